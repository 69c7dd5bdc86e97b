import type { Clock, Timer } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import { Accepted } from './accepted.ts';
import { NumberedBatch, type Stored, type Waiting } from './batch.ts';
import { Retry } from './connection/retry.ts';
import type { RedisConnection } from './connection/redis-connection.ts';
import { RedisError } from './connection/redis-error.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import { type Carried, publish } from './scripts/publish.ts';
import type { Caller, ScriptRunner } from './scripts/script.ts';
import { skip } from './scripts/skip.ts';

/** Why a line stopped: it goes on when `resume` is called, after a beat. `ORDER`: Redis lost what it had accepted. */
export type Stopped = 'FENCED' | 'REBORN' | 'ORDER';

/** Limits of a publish line. */
export interface PublishLimits {
  /** Batches that are on their way at once. */
  readonly batches: number;
  /** Publications, and bytes, of one batch. */
  readonly batchCount: number;
  readonly batchBytes: number;
  /** How long a publication waits while Redis cannot be reached. Milliseconds. */
  readonly hold: number;
  /** Publications, and bytes, that wait at most. */
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  /** How long accepted publications are kept, to be sent again if Redis loses them: milliseconds and bytes. */
  readonly healMs: number;
  readonly healBytes: number;
  /** Entries that a mailbox keeps. */
  readonly maxMailbox: number;
}

export const publishLimits: PublishLimits = {
  batches: 2,
  batchCount: 64,
  batchBytes: 262_144,
  hold: 5000,
  maxPending: 10_000,
  maxPendingBytes: 16_777_216,
  healMs: 10_000,
  healBytes: 16_777_216,
  maxMailbox: 100_000,
};

/** What a publish line is made with. */
export interface PublishLineOptions {
  readonly connection: RedisConnection;
  readonly runner: ScriptRunner;
  readonly clock: Clock;
  readonly limits?: Partial<PublishLimits>;
  /** Whether a publication that the own mailbox brought waits for the answer of its script too. */
  readonly waitsForOutcome?: boolean;
  /** Called once for each stop. */
  readonly stopped: (why: Stopped) => void;
}

/**
 * Brings publications into the mailboxes, each once, in the order of calls. A batch has its numbers for good. One whose outcome is unknown is
 * sent again under the same numbers, and Redis refuses the second. The line begins with `resume`.
 */
export class PublishLine {
  readonly #connection: RedisConnection;
  readonly #runner: ScriptRunner;
  readonly #clock: Clock;
  readonly #limits: PublishLimits;
  readonly #waitsForOutcome: boolean;
  readonly #stopped: (why: Stopped) => void;
  readonly #stopListening: () => void;
  readonly #accepted: Accepted;
  readonly #retry: Retry;
  // Without numbers: surely not sent.
  readonly #queue: Waiting[] = [];
  // In order of numbers. Their outcome is not known yet.
  #sent: NumberedBatch[] = [];
  // Numbered, and not brought by the own mailbox yet.
  readonly #unbrought = new Map<number, Waiting>();
  // Brought before the outcome was known.
  readonly #early = new Map<number, Stored | undefined>();
  #pending = 0;
  #pendingBytes = 0;
  #next = 1;
  #caller: Caller | undefined;
  #mustResend = false;
  #holdTimer: Timer | undefined;
  // Resolved when the outcome of all is known; undefined as long as more may come.
  #finishing: Deferred<void> | undefined;
  #isClosed = false;

  constructor(options: PublishLineOptions) {
    const { connection, runner, clock, limits, waitsForOutcome = false, stopped } = options;
    this.#connection = connection;
    this.#runner = runner;
    this.#clock = clock;
    this.#limits = { ...publishLimits, ...limits };
    this.#waitsForOutcome = waitsForOutcome;
    this.#stopped = stopped;
    this.#accepted = new Accepted(this.#limits.healMs, this.#limits.healBytes);
    this.#retry = new Retry(clock, () => this.#go());
    this.#stopListening = connection.onState(() => this.#go());
  }

  /** Publications that wait to be sent, or for their outcome. */
  get pending(): number {
    return this.#pending;
  }

  /** The last number that a Redis without any data has to go on from, so that the line can send again what it still has. */
  get lastToForget(): number {
    this.#accepted.trim(this.#clock.now());
    return (this.#accepted.first ?? this.#sent[0]?.first ?? this.#next) - 1;
  }

  /**
   * Resolves when the own mailbox brought the publication: see `brought`. Rejects with `EngineUnavailable` when nobody got it, and nobody will.
   * A publication whose outcome is unknown waits for it. A patient one waits for Redis as long as it takes.
   */
  publish(make: (number: number) => Carried, bytes: number, isPatient = false): Promise<Stored | undefined> {
    const { maxPending, maxPendingBytes } = this.#limits;
    if (this.#isClosed || this.#finishing !== undefined)
      return Promise.reject(new EngineUnavailable('the engine is closed'));
    if (this.#pending >= maxPending || this.#pendingBytes + bytes > maxPendingBytes) {
      return Promise.reject(new EngineUnavailable(`${this.#pending} publications wait for Redis already`));
    }
    return new Promise((resolve, reject) => {
      this.#pending += 1;
      this.#pendingBytes += bytes;
      const release = (): void => {
        this.#pending -= 1;
        this.#pendingBytes -= bytes;
        if (this.#pending === 0) this.#finishing?.resolve();
      };
      this.#queue.push({
        make,
        bytes,
        since: isPatient ? Number.POSITIVE_INFINITY : this.#clock.now(),
        resolve: (stored) => {
          release();
          resolve(stored);
        },
        reject: (error) => {
          release();
          reject(error);
        },
      });
      // What is published in this turn goes together.
      if (this.#queue.length === 1) this.#clock.soon(() => this.#go());
    });
  }

  /** The own mailbox brought the publication with this number. */
  brought(number: number, stored?: Stored): void {
    const waiting = this.#unbrought.get(number);
    if (waiting === undefined) return;
    if (this.#waitsForOutcome && this.#sent.some((batch) => batch.has(number))) {
      this.#early.set(number, stored);
      return;
    }
    this.#unbrought.delete(number);
    waiting.resolve(stored);
  }

  /** The own mailbox tells that these numbers were skipped. */
  skipped(first: number, count: number): void {
    for (let number = first; number < first + count; number += 1) {
      const waiting = this.#unbrought.get(number);
      if (waiting?.since !== Number.POSITIVE_INFINITY) continue;
      this.#unbrought.delete(number);
      this.#queue.push(waiting);
    }
    this.#go();
    this.#refuse(first, count, 'Redis could not be reached in time');
  }

  /** The own mailbox lost something: what Redis accepted does not wait for it. */
  missed(): void {
    const open = new Set(this.#sent.flatMap(({ waiting }) => waiting));
    for (const [number, waiting] of this.#unbrought) if (!open.has(waiting)) this.brought(number);
  }

  /** Sends nothing until `resume`. */
  pause(): void {
    this.#caller = undefined;
    this.#mustResend = true;
  }

  /**
   * Goes on after a beat. `last`: the last number that Redis knows; what it lost is sent again. Returns how many publications it had accepted
   * before it lost them.
   */
  resume(caller: Caller, last: number): number {
    this.#caller = caller;
    const lost = this.#accepted.takeAbove(last);
    const first = lost[0]?.first ?? this.#sent[0]?.first ?? this.#next;
    for (const batch of lost) batch.mayBeSent = true;
    this.#sent.unshift(...lost);
    if (first > last + 1) this.#sent.unshift(NumberedBatch.gap(last + 1, first - last - 1));
    this.#mustResend ||= this.#sent.length > 0;
    this.#go();
    return lost.reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * Takes no more publications, and rejects those that were surely not sent. Resolves when the outcome of the others is known, or after so many
   * milliseconds.
   */
  async finish(ms: number): Promise<void> {
    this.#finishing ??= new Deferred();
    this.#rejectQueue();
    if (this.#pending === 0) return;
    const timer = this.#clock.after(ms, () => this.#finishing?.resolve());
    await this.#finishing.promise;
    timer.cancel();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#retry.cancel();
    this.#holdTimer?.cancel();
    this.#rejectQueue();
    const error = new EngineUnavailable('the engine was closed before Redis answered');
    for (const [number, waiting] of this.#unbrought) {
      this.#unbrought.delete(number);
      waiting.reject(error);
    }
  }

  #rejectQueue(): void {
    const error = new EngineUnavailable('the engine is closed');
    for (const waiting of this.#queue.splice(0)) waiting.reject(error);
  }

  #go(): void {
    this.#watchHold();
    if (this.#isClosed || this.#caller === undefined || this.#connection.state.is !== 'open') return;
    if (this.#mustResend) this.#resend(this.#caller);
    else this.#sendMore(this.#caller);
  }

  #sendMore(caller: Caller): void {
    let underway = this.#sent.filter((batch) => batch.isUnderway).length;
    for (const batch of this.#sent) {
      if (underway === this.#limits.batches) return;
      if (!batch.isDue) continue;
      underway += 1;
      void this.#send(batch, caller);
    }
    while (this.#queue.length > 0 && this.#sent.length < this.#limits.batches) {
      const batch = this.#nextBatch();
      this.#sent.push(batch);
      void this.#send(batch, caller);
    }
  }

  #nextBatch(): NumberedBatch {
    let [count, bytes] = [0, 0];
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count === this.#limits.batchCount || (count > 0 && bytes > this.#limits.batchBytes)) break;
      count += 1;
    }
    const batch = new NumberedBatch(this.#next, this.#queue.splice(0, count));
    batch.waiting.forEach((waiting, at) => {
      this.#unbrought.set(batch.first + at, waiting);
    });
    this.#next += count;
    return batch;
  }

  // All that has no outcome, in order, when nothing is on its way any more. It may be much: all at once would be late.
  #resend(caller: Caller): void {
    if (this.#retry.isPending || this.#sent.some(({ isUnderway }) => isUnderway)) return;
    this.#takeBack();
    this.#mustResend = false;
    const now = this.#clock.now();
    for (const batch of this.#sent) {
      if (batch.since <= now - this.#limits.hold) batch.isVoid = true;
      batch.isDue = true;
    }
    this.#sendMore(caller);
  }

  // The numbers of batches that were surely not sent are free again.
  #takeBack(): void {
    for (let batch = this.#sent.at(-1); batch !== undefined; batch = this.#sent.at(-1)) {
      if (batch.mayBeSent || batch.isVoid || batch.waiting.length === 0) return;
      this.#sent.pop();
      this.#queue.unshift(...batch.waiting);
      for (let number = batch.first; number <= batch.last; number += 1) this.#unbrought.delete(number);
      this.#next = batch.first;
    }
  }

  async #send(batch: NumberedBatch, caller: Caller): Promise<void> {
    batch.isDue = false;
    batch.isUnderway = true;
    try {
      const outcome = await (batch.isVoid
        ? skip(this.#runner, caller, batch.first, batch.count)
        : publish(this.#runner, caller, batch, this.#limits.maxMailbox));
      batch.isUnderway = false;
      this.#retry.succeeded();
      if (outcome.is === 'OK') this.#done(batch);
      else if (outcome.is !== 'ORDER') this.#stop(outcome.is);
      else if (outcome.last >= batch.last) this.#done(batch);
      else this.#outOfOrder(batch);
    } catch (error) {
      batch.isUnderway = false;
      this.#failed(batch, error);
    }
    this.#go();
  }

  // Of one that was to be skipped, the own mailbox tells whether it was published before that.
  #done(batch: NumberedBatch): void {
    this.#sent = this.#sent.filter((one) => one !== batch);
    for (const [number, stored] of this.#early) {
      if (!batch.has(number)) continue;
      this.#early.delete(number);
      this.brought(number, stored);
    }
    if (!batch.isVoid) this.#accepted.add(batch, this.#clock.now());
  }

  #refuse(first: number, count: number, reason: string): void {
    for (let number = first; number < first + count; number += 1) {
      const waiting = this.#unbrought.get(number);
      this.#unbrought.delete(number);
      waiting?.reject(new EngineUnavailable(reason));
    }
  }

  // One before it is missing: it goes first, or Redis lost it.
  #outOfOrder(batch: NumberedBatch): void {
    if (this.#sent[0] === batch) this.#stop('ORDER');
    else this.#mustResend = true;
  }

  #stop(why: Stopped): void {
    const wasStopped = this.#caller === undefined;
    this.pause();
    if (!wasStopped) this.#stopped(why);
  }

  #failed(batch: NumberedBatch, error: unknown): void {
    this.#mustResend = true;
    const { outcome, word } = error instanceof RedisError ? error : { outcome: 'unknown', word: '' };
    if (outcome === 'unknown') batch.mayBeSent = true;
    if (outcome !== 'refused') return;
    if (word === 'OOM' && !batch.isVoid) this.#noRoom(batch);
    else this.#retry.later();
  }

  // Nothing was done. A copy that was sent before may still come: so its numbers are used up.
  #noRoom(batch: NumberedBatch): void {
    if (batch.mayBeSent) this.#retry.later();
    else {
      batch.isVoid = true;
      this.#refuse(batch.first, batch.count, 'Redis has no free memory');
    }
  }

  // Publications that were surely not sent are refused after `hold`.
  #watchHold(): void {
    this.#holdTimer?.cancel();
    this.#holdTimer = undefined;
    const now = this.#clock.now();
    const late = this.#takeLate(now - this.#limits.hold);
    for (const waiting of late) waiting.reject(new EngineUnavailable('Redis could not be reached in time'));
    const oldest = this.#queue.find(({ since }) => Number.isFinite(since));
    if (oldest === undefined || this.#isClosed) return;
    this.#holdTimer = this.#clock.after(oldest.since + this.#limits.hold - now, () => this.#go());
  }

  // They came in order, but for patient ones, which are few unless Redis is away.
  #takeLate(limit: number): Waiting[] {
    const first = this.#queue.find(({ since }) => Number.isFinite(since));
    if (first === undefined || first.since > limit) return [];
    const late = this.#queue.filter(({ since }) => since <= limit);
    const rest = this.#queue.filter(({ since }) => since > limit);
    this.#queue.splice(0, this.#queue.length, ...rest);
    return late;
  }
}
