import { parsed } from '../lib/parsed.ts';
import { isTexts } from '../lib/texts.ts';
import { type Event, isObject } from '../protocol/message.ts';
import type { Publication } from './engine.ts';
import type { StoredEvent } from './history-store.ts';
import { OutgoingEvent } from './outgoing-event.ts';

/** The only format so far. */
const FORMAT = 1;

/** A publication as it travels, and what the engine knows of it. */
export interface Envelope {
  readonly publication: Publication;
  /** The node that published it, and its number there. */
  readonly origin: string;
  readonly number: number;
  /** What the history gave the event, if it is durable. */
  readonly stored?: Pick<StoredEvent, 'id' | 'at'> | undefined;
}

/**
 * A publication as JSON text. The event is not encoded again. The rule of its channel stays behind, since each node applies its own;
 * so do the receipt and the number of the publish, which mean nothing elsewhere. `format`: one that `decodeEnvelope` reads.
 */
export function encodeEnvelope(
  { publication, origin, number, stored }: Envelope,
  format: number = FORMAT,
): string {
  const { event, from, notToPublisher, to } = publication;
  const rest = {
    n: [origin, number],
    f: from,
    x: notToPublisher === true ? 1 : undefined,
    l: event.lazy === false ? undefined : event.lazy,
    o: event.volatile ? 1 : undefined,
    r: event.replayId,
    h: stored?.id,
    at: stored?.at,
    to,
  };
  return `{"v":${format},"e":${event.json},${JSON.stringify(rest).slice(1)}`;
}

/** Reads what `encodeEnvelope` made; undefined for another format, or for text that is damaged. */
export function decodeEnvelope(text: string): Envelope | undefined {
  const read = parsed(text);
  if (!isObject(read) || read.v !== FORMAT || !Array.isArray(read.n) || !isEvent(read.e)) return undefined;
  const [origin, number] = read.n;
  if (typeof origin !== 'string' || typeof number !== 'number') return undefined;
  const { e, f, x, l, o, r, h, at, to } = read;
  const event = new OutgoingEvent(e, {
    lazy: typeof l === 'number' || l === true ? l : false,
    volatile: o === 1,
    ...(typeof r === 'number' && { replayId: r }),
  });
  const publication: Publication = {
    event,
    ...(typeof f === 'string' && { from: f, notToPublisher: x === 1 }),
    ...(isTexts(to) && { to }),
  };
  return {
    publication,
    origin,
    number,
    ...(typeof h === 'number' && typeof at === 'number' && { stored: { id: h, at } }),
  };
}

function isEvent(value: unknown): value is Event {
  return isObject(value) && typeof value.channel === 'string';
}
