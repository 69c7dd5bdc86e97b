import type { Publication } from '../ports/engine.ts';
import type { StoredEvent } from '../ports/history-store.ts';
import { OutgoingEvent } from '../ports/outgoing-event.ts';
import { type Event, isObject } from '../protocol/message.ts';

/** The format that this version writes, and the only one that it reads. */
const FORMAT = 1;

/** A publication on its way between nodes. */
export interface TravellingPublication extends Publication {
  /** Public ids of the sessions that it is for, whoever subscribes. */
  readonly to?: readonly string[];
}

/** A publication as it travels, and what the engine knows of it. */
export interface Envelope {
  readonly publication: TravellingPublication;
  /** The node that published it, and its number there. */
  readonly origin: string;
  readonly number: number;
  /** What the history gave the event, if it is durable. The publish script adds it. */
  readonly stored?: Pick<StoredEvent, 'id' | 'at'> | undefined;
}

/**
 * A publication as JSON text of one object. `v` is first, so that a reader can refuse it without reading on. The event is not encoded
 * again. The rule of its channel stays behind, since each node applies its own.
 */
export function encodeEnvelope({ publication, origin, number, stored }: Envelope): string {
  const { event, from, notToPublisher, to } = publication;
  const rest = {
    n: [origin, number],
    f: from,
    x: notToPublisher === true ? 1 : undefined,
    l: event.lazy === false ? undefined : event.lazy,
    o: event.volatile ? 1 : undefined,
    to,
    h: stored?.id,
    at: stored?.at,
  };
  return `{"v":${FORMAT},"e":${event.json},${JSON.stringify(rest).slice(1)}`;
}

/** Reads what `encodeEnvelope` made; undefined for another format, or for text that is damaged. */
export function decodeEnvelope(text: string): Envelope | undefined {
  if (!text.startsWith(`{"v":${FORMAT},`)) return undefined;
  const read = parsed(text);
  if (!isObject(read) || !Array.isArray(read.n) || !isEvent(read.e)) return undefined;
  const [origin, number]: unknown[] = read.n;
  if (typeof origin !== 'string' || typeof number !== 'number') return undefined;
  const { h, at } = read;
  const isStored = typeof h === 'number' && typeof at === 'number';
  return {
    publication: publicationOf(read.e, read),
    origin,
    number,
    ...(isStored && { stored: { id: h, at } }),
  };
}

function publicationOf(
  message: Event,
  { f, x, l, o, to, h }: Readonly<Record<string, unknown>>,
): TravellingPublication {
  const event = new OutgoingEvent(message, {
    lazy: typeof l === 'number' || l === true ? l : false,
    volatile: o === 1,
    ...(typeof h === 'number' && { replayId: h }),
  });
  return {
    event,
    ...(typeof f === 'string' && { from: f, notToPublisher: x === 1 }),
    ...(isTexts(to) && { to }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is Event {
  return isObject(value) && typeof value.channel === 'string';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
