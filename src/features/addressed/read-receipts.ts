import type { Clock } from '../../lib/clock.ts';

/** Longest time for which a confirmation is awaited. Milliseconds. */
const PATIENCE = 3_600_000;

/** Most pairs of a message and a user that are awaited, about 100 bytes each. */
const MAX_AWAITED = 100_000;

interface Awaited {
  /** Public id of the session that sent the message. */
  readonly session: string;
  readonly ref: string | undefined;
  readonly users: Set<string>;
  readonly until: number;
}

/** What the sender is told when a client confirmed a message. */
export interface ReadNotice {
  readonly id: string;
  readonly ref?: string;
  readonly user: string;
  readonly state: 'read';
}

/** Takes notes of what clients have confirmed. */
export interface Reads {
  /** A session of the user has confirmed the message. `sender`: the session that wants to know, where it may be on another node. */
  read(id: string, user: string, sender?: string): void;
}

/** Messages whose senders want to know when they were read. Beyond a bound, the oldest are forgotten. */
export class ReadReceipts implements Reads {
  readonly #clock: Clock;
  readonly #tell: (session: string, notice: ReadNotice) => void;
  readonly #messages = new Map<string, Awaited>();
  #size = 0;

  constructor(clock: Clock, tell: (session: string, notice: ReadNotice) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Pairs of a message and a user that are awaited. */
  get size(): number {
    return this.#size;
  }

  expect(id: string, session: string, users: readonly string[], ref: string | undefined): void {
    const now = this.#clock.now();
    this.#messages.set(id, { session, ref, users: new Set(users), until: now + PATIENCE });
    this.#size += users.length;
    for (const [older, { until }] of this.#messages) {
      if (until > now && this.#size <= MAX_AWAITED) break;
      this.#forget(older);
    }
  }

  /** A session of the user has confirmed the message. The first one counts. */
  read(id: string, user: string): void {
    const awaited = this.#messages.get(id);
    if (awaited === undefined || !awaited.users.delete(user)) return;
    this.#size -= 1;
    if (awaited.users.size === 0) this.#messages.delete(id);
    if (awaited.until <= this.#clock.now()) return;
    const { session, ref } = awaited;
    this.#tell(session, { id, ...(ref !== undefined && { ref }), user, state: 'read' });
  }

  #forget(id: string): void {
    this.#size -= this.#messages.get(id)?.users.size ?? 0;
    this.#messages.delete(id);
  }
}
