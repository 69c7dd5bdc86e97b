import type { Event } from '../protocol/message.ts';
import { Outgoing } from '../protocol/outgoing.ts';
import type { Gap } from './gap.ts';

/** How an event is to be delivered; nothing of it is on the wire. */
export interface Delivery {
  /** May wait for the next flush: at most these milliseconds, or with `true` as long as the server allows (DL-9). */
  readonly lazy?: boolean | number;
  /** Worth nothing later: never put back, nor kept for acknowledgement. */
  readonly volatile?: boolean;
}

/** What becomes of events of one rule when too many of them wait for one session. */
export interface OverflowRule {
  readonly action: 'dropOldest' | 'dropNewest' | 'conflate' | 'disconnect';
  /** JSON pointer into `data`: of waiting events of one channel that have the same value there, the newest is kept. For `conflate`. */
  readonly key?: string | undefined;
  /** Events of this rule that may wait for one session. */
  readonly maxEvents?: number | undefined;
  /** Bytes of them. */
  readonly maxBytes?: number | undefined;
  /** How long one may wait. Milliseconds. */
  readonly maxAge?: number | undefined;
}

/** How the server itself handles an event, besides what its publisher said. */
export interface Handling extends Delivery {
  /** Its place in the history of a durable channel. */
  readonly replayId?: number | undefined;
  /** Read from history: it does not count towards what may wait (RP-10). */
  readonly replayed?: boolean;
  readonly overflow?: OverflowRule | undefined;
  readonly gap?: Gap | undefined;
}

/** What an event takes beside its text: the objects that hold it and its place in a queue. 235 measured on Node 20, rounded up. Bytes. */
const AROUND_TEXT = 300;

/**
 * An event, shared by all who receive it: from here on it does not change. While it waits it is kept as text alone, since what was
 * parsed takes many times the memory.
 */
export class OutgoingEvent extends Outgoing {
  readonly channel: string;
  readonly lazy: boolean | number;
  readonly volatile: boolean;
  readonly replayId: number | undefined;
  readonly replayed: boolean;
  readonly overflow: OverflowRule | undefined;
  /** What this very event tells of, for one session. */
  readonly gap: Gap | undefined;
  /** When it began to wait, noted by the first outbox whose rule minds its age. Epoch milliseconds. */
  since: number | undefined;
  // Undefined where the text is all there is.
  #message: Event | undefined;
  // Undefined until it is asked for.
  #key: string | null | undefined;

  constructor(event: Event, how: Handling = {}) {
    super();
    this.channel = event.channel;
    this.#message = event;
    this.lazy = how.lazy ?? false;
    this.volatile = how.volatile ?? false;
    this.replayId = how.replayId;
    this.replayed = how.replayed ?? false;
    this.overflow = how.overflow;
    this.gap = how.gap;
  }

  /** The event as it was given, or read from its text: ask for it once, it may be made anew each time. */
  get message(): Event {
    return this.#message ?? JSON.parse(this.json);
  }

  /** What it takes while it waits. Text that is not all ASCII takes two bytes a character. */
  get memory(): number {
    const { length } = this.json;
    return AROUND_TEXT + (this.bytes === length ? length : 2 * length);
  }

  /** Keeps its text only: what it was made of is let go. */
  pack(): void {
    void this.json;
    // A rule that conflates asks for it as long as it waits.
    void this.key;
    this.#message = undefined;
  }

  /** What it is a version of, where its rule keeps only the newest one; undefined where it stands for itself. */
  get key(): string | undefined {
    const pointer = this.overflow?.key;
    if (pointer === undefined) return undefined;
    if (this.#key === undefined) this.#key = conflationKey(this.message, pointer) ?? null;
    return this.#key ?? undefined;
  }
}

/**
 * What events are versions of the same thing: those of one channel with the same value at a JSON pointer (RFC 6901) into `data`.
 * Undefined where there is nothing at the pointer.
 */
export function conflationKey({ channel, data }: Event, pointer: string): string | undefined {
  let value = data;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    if (Array.isArray(value) && name === 'length') return undefined;
    value = value[name];
  }
  return value === undefined ? undefined : `${channel}\n${JSON.stringify(value, sorted)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

// The same text for the same value, in whatever order its keys came.
function sorted(_key: string, value: unknown): unknown {
  if (!isObject(value) || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
