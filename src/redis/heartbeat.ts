import type { Clock, Timer } from '../lib/clock.ts';
import { randomHex } from '../lib/random-hex.ts';
import type { Durability } from './durability.ts';
import { type Beat, type BeatRequest, beat, type Lease, type Numbers } from './scripts/beat.ts';
import type { ScriptRunner } from './scripts/script.ts';

/** How long a lease lasts without a beat if nothing else is said. Milliseconds. */
export const LEASE = 4000;

/** The longest time between two beats. Milliseconds. */
const EVERY = 1000;

/** Time that a node stops before its lease ends. Milliseconds. */
const MARGIN = 500;

/** What a heartbeat is made with. */
export interface HeartbeatOptions {
  readonly runner: ScriptRunner;
  readonly clock: Clock;
  readonly node: string;
  /** How long the lease lasts without a beat. Milliseconds; 4000 if absent. */
  readonly leaseMs?: number;
  /** How long the mailbox keeps entries. Milliseconds. */
  readonly keepMs: number;
  /** Asked at each beat. */
  readonly lease: () => Lease;
  /** Asked at each beat: the Redis that is connected. */
  readonly runId: () => string | undefined;
  readonly durability?: Durability;
  /** Asked at each beat: where numbers go on if Redis does not know the node. */
  readonly numbers: () => Numbers;
  /** Asked at each beat: id of the last entry of the mailbox that was read. */
  readonly read: () => string;
  readonly beaten: (beat: Beat) => void;
  /** No beat succeeded for so long that other nodes may take this one for dead. Called once, until the next good beat. */
  readonly lapsed: () => void;
  readonly failed: (error: unknown) => void;
}

/** Renews the lease of a node. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #every: number;
  readonly #leaseMs: number;
  #goodSince = Number.NEGATIVE_INFINITY;
  #hasLapsed = true;
  #timer: Timer | undefined;
  #lapse: Timer | undefined;
  #isUnderway = false;
  #isClosed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? LEASE;
    // The beat script takes Redis to have been away for all when no node beat for half of a lease.
    this.#every = Math.min(EVERY, this.#leaseMs / 4);
  }

  /** Whether no other node takes this one for dead, by the own clock. */
  get isGood(): boolean {
    return !this.#hasLapsed && this.#options.clock.now() < this.#goodSince + this.#leaseMs - MARGIN;
  }

  /** Time since Redis got the last beat that succeeded. Milliseconds; undefined before the first. */
  get age(): number | undefined {
    if (this.#goodSince === Number.NEGATIVE_INFINITY) return undefined;
    return Math.round(this.#options.clock.now() - this.#goodSince);
  }

  /** Beats now, and from then on. Call it again to beat at once, such as after a refusal. */
  now(): void {
    if (this.#isClosed || this.#isUnderway) return;
    this.#timer?.cancel();
    void this.#beat();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#lapse?.cancel();
  }

  async #beat(): Promise<void> {
    const { runner, clock, beaten, failed } = this.#options;
    this.#isUnderway = true;
    // The lease begins when Redis gets the command, which is not before this.
    const began = clock.now();
    try {
      const result = await beat(runner, this.#request());
      if (this.#isClosed) return;
      this.#good(began);
      beaten(result);
    } catch (error) {
      if (!this.#isClosed) failed(error);
    } finally {
      this.#isUnderway = false;
      if (!this.#isClosed) this.#timer = clock.after(this.#every, () => this.now());
    }
  }

  #request(): BeatRequest {
    const { node, keepMs, lease, numbers, runId, durability, read } = this.#options;
    // Another one each time: if all data was lost again, the birth must not be the one that all know.
    const birth = randomHex(8);
    const own = { node, leaseMs: this.#leaseMs, lease: lease(), keepMs, birth, numbers: numbers() };
    return { ...own, runId: runId(), durability, read: read() };
  }

  #good(began: number): void {
    const { clock, lapsed } = this.#options;
    this.#goodSince = began;
    this.#hasLapsed = false;
    this.#lapse?.cancel();
    this.#lapse = clock.after(began + this.#leaseMs - MARGIN - clock.now(), () => {
      this.#hasLapsed = true;
      lapsed();
    });
  }
}
