import { tokensOf } from '../lib/json-pointer.ts';
import type { Event } from '../protocol/message.ts';
import { Outgoing } from '../protocol/outgoing.ts';
import type { Gap } from './gap.ts';

/** How an event is delivered. Clients do not see these options. */
export interface Delivery {
  /**
   * The event may wait for the next flush: so many milliseconds at most, or with `true` as long as the server allows (DL-9). A
   * volatile event is not lazy.
   */
  readonly lazy?: boolean | number;
  /**
   * The event has no value later: it leaves now or not at all (DL-14). It is dropped for a session that cannot take it in this turn of
   * the event loop, never put back, not stored, and not kept until it is acknowledged.
   */
  readonly volatile?: boolean;
}

/** Limits of the events of one rule that wait for one session, and the action above them. */
export interface OverflowRule {
  readonly action: 'dropOldest' | 'dropNewest' | 'conflate' | 'disconnect';
  /** For `conflate`: JSON pointer into `data`. Of waiting events of one channel with the same value, only the newest is kept. */
  readonly key?: string | undefined;
  /** Events of this rule that may wait for one session. */
  readonly maxEvents?: number | undefined;
  /** Bytes of events of this rule that may wait for one session. */
  readonly maxBytes?: number | undefined;
  /** How long an event may wait. Milliseconds. */
  readonly maxAge?: number | undefined;
}

/** How the server handles an event: the options of the publisher, and its own. */
export interface Handling extends Delivery {
  /** Id of the event in the history of a durable channel. */
  readonly replayId?: number | undefined;
  /** The event was read from history: it does not count towards what may wait (RP-10). */
  readonly replayed?: boolean;
  /** How long the event may wait for others; undefined: as long as the server says. Milliseconds. */
  readonly writeDelay?: number | undefined;
  readonly overflow?: OverflowRule | undefined;
  readonly gap?: Gap | undefined;
  /** An object of the feature that made the event, by which the feature knows the event again. Each copy of the event has it. */
  readonly tag?: object | undefined;
  /** Number of the publish, where a feature follows publishes. Each copy of the event has it. */
  readonly publishId?: number | undefined;
  /** Whether the rule of the channel was applied on this node. */
  readonly isRuled?: boolean;
}

/** Memory of an event besides its text: the objects that hold it and its place in a queue. 235 measured on Node 20, rounded up. Bytes. */
const AROUND_TEXT = 300;

/**
 * An event, shared by all sessions that receive it: it does not change. While an event waits, only its text is kept, since the parsed
 * message takes many times the memory.
 */
export class OutgoingEvent extends Outgoing {
  readonly channel: string;
  readonly lazy: boolean | number;
  readonly volatile: boolean;
  /** How long it may wait for others that are written with it; undefined: as long as the server says. Milliseconds. */
  readonly writeDelay: number | undefined;
  readonly replayId: number | undefined;
  readonly replayed: boolean;
  readonly overflow: OverflowRule | undefined;
  /** The gap before this event, which the event reports to one session. */
  readonly gap: Gap | undefined;
  readonly tag: object | undefined;
  /** Set by the feature that follows publishes, when the event arrives. */
  publishId: number | undefined;
  /** Whether the rule of the channel was applied on this node: an event from another node has to be ruled here. */
  readonly isRuled: boolean;
  /** Whether an outbox needs only the order and the size of the event. */
  readonly isPlain: boolean;
  /** Waiting events with the same key are versions of one thing, of which the newest is kept; undefined where the rule keeps all. */
  readonly key: string | undefined;
  /** When the event began to wait, noted by the first outbox whose rule limits its age. Epoch milliseconds. */
  since: number | undefined;
  // Undefined once only the text is kept.
  #message: Event | undefined;

  constructor(event: Event, handling: Handling = {}) {
    super();
    const { lazy = false, replayed = false, overflow, gap } = handling;
    this.channel = event.channel;
    this.#message = event;
    this.volatile = handling.volatile ?? false;
    this.lazy = this.volatile ? false : lazy;
    this.writeDelay = handling.writeDelay;
    this.replayId = handling.replayId;
    this.replayed = replayed;
    this.overflow = overflow;
    this.gap = gap;
    this.tag = handling.tag;
    this.publishId = handling.publishId;
    this.isRuled = handling.isRuled ?? false;
    this.isPlain = this.lazy === false && !replayed && overflow === undefined && gap === undefined;
    this.key = overflow?.key === undefined || replayed ? undefined : conflationKey(event, overflow.key);
  }

  /** The event as given, or parsed from its text. Read it once: each read may parse the text again. */
  get message(): Event {
    return this.#message ?? JSON.parse(this.json);
  }

  /** Memory that the event takes while it waits. Text that is not all ASCII takes two bytes a character. */
  get memory(): number {
    const { length } = this.json;
    return AROUND_TEXT + (this.bytes === length ? length : 2 * length);
  }

  /** Keeps only the text and drops the parsed message. */
  pack(): void {
    void this.json;
    this.#message = undefined;
  }
}

/**
 * The key that events of one channel have in common when they have the same value at a JSON pointer (RFC 6901) into `data`.
 * Undefined where there is nothing at the pointer.
 */
export function conflationKey({ channel, data }: Event, pointer: string): string | undefined {
  let value = data;
  for (const name of tokensOf(pointer)) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    if (Array.isArray(value) && name === 'length') return undefined;
    value = value[name];
  }
  return value === undefined ? undefined : `${channel}\n${JSON.stringify(value, sorted)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

// Gives equal values the same text, whatever the order of their keys.
function sorted(_key: string, value: unknown): unknown {
  if (!isObject(value) || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
