import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { EngineState, Missed, NodeFacts, NodeSide } from '../ports/engine.ts';
import type { RefusalNotes } from '../ports/refusal-notes.ts';

/** Shortest time between two rounds in which sessions are told of a loss. Milliseconds. */
const PAUSE = 1_000;

/** A session that can be told of a loss. */
interface Concerned {
  readonly subscriptions: ReadonlySet<string>;
  missed(): void;
}

/** The parts of the server that the side of an engine needs. */
export interface EngineSideParts {
  readonly deliver: NodeSide['deliver'];
  readonly sessions: Iterable<Concerned>;
  readonly clock: Clock;
  readonly log: Log;
  readonly refusals: RefusalNotes;
  /** The option `engineTimeout`. Milliseconds. */
  readonly timeout: number;
  readonly facts: () => NodeFacts;
}

/** What the engine of a server calls: its events, its losses, and how it is. */
export class EngineSide implements NodeSide {
  readonly timeout: number;
  readonly deliver: NodeSide['deliver'];
  readonly log: Log;
  readonly refusals: RefusalNotes;
  readonly facts: () => NodeFacts;
  readonly #parts: EngineSideParts;
  #state: EngineState = 'open';
  #since: number;
  #pause: Timer | undefined;
  #missesMore = false;

  constructor(parts: EngineSideParts) {
    this.#parts = parts;
    this.timeout = parts.timeout;
    this.deliver = parts.deliver;
    this.log = parts.log;
    this.refusals = parts.refusals;
    this.facts = parts.facts;
    this.#since = parts.clock.now();
  }

  /** The state as the engine told it. */
  get current(): EngineState {
    return this.#state;
  }

  /** The state that counts for new clients: an engine that was away for no longer than a call may wait is still open. */
  get settledState(): EngineState {
    const isShort = this.#parts.clock.now() - this.#since < this.timeout;
    return this.#state === 'away' && isShort ? 'open' : this.#state;
  }

  readonly state = (state: EngineState, why?: string): void => {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#parts.clock.now();
    const level = state === 'open' ? 'info' : 'warn';
    this.#parts.log({ level, event: `engine.${state}`, ...(why !== undefined && { why }) });
  };

  readonly warn = (why: string): void => {
    this.#parts.refusals.note('engine.warning', { why, cause: why });
  };

  // A look at all sessions for each loss would cost too much where many follow each other.
  readonly missed = (what: Missed): void => {
    const why = 'the engine could not bring all events to this node: its sessions are told of a gap';
    this.#parts.refusals.note('engine.missed', { why, ...(what !== 'unknown' && what) });
    if (this.#pause === undefined) this.#tell();
    else this.#missesMore = true;
  };

  close(): void {
    this.#pause?.cancel();
    this.#pause = undefined;
  }

  #tell(): void {
    this.#missesMore = false;
    for (const session of this.#parts.sessions) if (session.subscriptions.size > 0) session.missed();
    this.#pause = this.#parts.clock.after(PAUSE, () => {
      this.#pause = undefined;
      if (this.#missesMore) this.#tell();
    });
  }
}
