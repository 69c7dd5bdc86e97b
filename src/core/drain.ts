import type { Clock, Timer } from '../lib/clock.ts';
import type { Session } from './session.ts';

/** Share of the window before the first session leaves: a load balancer has to notice first that the server is not ready. */
const FIRST = 0.1;
/** Share of the window after which all sessions were sent away. The rest is for clients that come back here. */
const LAST = 0.8;
/** Steps in which sessions leave. */
const STEPS = 500;
/** Shortest step. Milliseconds. */
const SHORTEST = 10;

/**
 * Sends the sessions of a closing server away, evenly over a window (EX-7). A session is served as usual until its turn comes.
 *
 *     0            0.1                                  0.8             1 x window
 *     │ not ready   │ sessions leave, the oldest first    │ stragglers     │ the server closes
 *
 * The drain ends early when all were sent away and none has a connection here.
 */
export class Drain {
  /** Resolves when the drain is over. */
  readonly over: Promise<void>;
  readonly #clock: Clock;
  readonly #began: number;
  readonly #window: number;
  readonly #hasOthers: boolean;
  readonly #staying: readonly Session[];
  // Sessions that were sent away, and whether their clients know.
  readonly #away = new Map<Session, boolean>();
  #sent = 0;
  #timer: Timer | undefined;
  #end: () => void = () => {};

  /** `window`: milliseconds. `hasOthers`: whether a client comes back here that reached another node of a cluster. */
  constructor(
    sessions: Iterable<Session>,
    { window, hasOthers }: { readonly window: number; readonly hasOthers: boolean },
    clock: Clock,
  ) {
    this.#clock = clock;
    this.#began = clock.now();
    this.#window = window;
    this.#hasOthers = hasOthers;
    this.#staying = [...sessions].filter(({ carrier }) => carrier?.trusted !== true);
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#tick();
  }

  /** Ends the drain now. */
  stop(): void {
    this.#timer?.cancel();
    this.#end();
  }

  /** Whether the session was sent away. */
  hasSent(session: Session): boolean {
    return this.#away.has(session);
  }

  /**
   * How long a session that was sent away, and came back here, has to wait; undefined for one that may stay. Drawn, so that the next
   * tries are spread too. 0 where the client did not know yet. Milliseconds. `gone` in a cluster: whichever node the client reached
   * has sent it here, so that its session ends, and it shakes hands at one that goes on.
   */
  pauseOf(session: Session): number | 'gone' | undefined {
    const knows = this.#away.get(session);
    if (knows === undefined) return undefined;
    this.#away.set(session, true);
    if (!knows) return 0;
    if (this.#hasOthers) return 'gone';
    const left = LAST * this.#window - this.#passed;
    return left > 0 ? Math.random() * left : Math.max(0, this.#window - this.#passed);
  }

  get #passed(): number {
    return this.#clock.now() - this.#began;
  }

  readonly #tick = (): void => {
    const passed = this.#passed / this.#window;
    this.#sendUpTo(Math.floor(((passed - FIRST) / (LAST - FIRST)) * this.#staying.length));
    if (passed >= 1 || this.#isDeserted) this.#end();
    else {
      const step = Math.max(this.#window / STEPS, SHORTEST);
      this.#timer = this.#clock.after(Math.min(step, this.#window - this.#passed), this.#tick);
    }
  };

  #sendUpTo(count: number): void {
    for (const session of this.#staying.slice(this.#sent, Math.max(count, this.#sent))) {
      this.#sent += 1;
      if (session.state === 'gone') continue;
      this.#away.set(session, session.sendAway());
    }
  }

  // Looks at the sessions only once all were sent away.
  get #isDeserted(): boolean {
    return this.#sent === this.#staying.length && !this.#staying.some(hasConnection);
  }
}

/** Whether a session has a socket, a stream or a held connect. */
export function hasConnection({ state, carrier }: Session): boolean {
  return state !== 'gone' && carrier?.alive === true;
}
