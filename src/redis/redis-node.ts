import type { Clock, Timer } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { RosterChange } from '../ports/directory.ts';
import { EngineUnavailable, type Publication } from '../ports/engine.ts';
import { encodeEnvelope, type Envelope } from '../ports/envelope.ts';
import type { Stored } from './batch.ts';
import type { Durability } from './durability.ts';
import { ChangeLine } from './change-line.ts';
import type { Dial } from './connection/line.ts';
import { RedisConnection } from './connection/redis-connection.ts';
import { formats, strangers, writtenFormat } from './formats.ts';
import { Heartbeat, LEASE } from './heartbeat.ts';
import { Keys } from './keys.ts';
import { Lag } from './lag.ts';
import { Mailbox, type MailboxGap, type Position } from './mailbox.ts';
import type { MailboxItem } from './mailbox-items.ts';
import { PublishLine, type PublishLimits, publishLimits } from './publish-line.ts';
import type { Beat, Lease } from './scripts/beat.ts';
import { type InterestChange, interest } from './scripts/interest.ts';
import { type Attended, attend, type AttendChange, bytesOf, type PlaceChange } from './scripts/attend.ts';
import type { Carried } from './scripts/publish.ts';
import { type Caller, type Outcome, ScriptRunner } from './scripts/script.ts';
import { sweep } from './scripts/sweep.ts';
import { tell } from './scripts/tell.ts';
import { Turns } from './turns.ts';

/** Memory of a publication besides its event. Bytes. */
const AROUND = 200;

/** After all data was lost: time in which every living node notices and tells its interests anew. Milliseconds. */
export const REGISTERING = 1500;

/** How long a node that is closed waits for the outcome of what it sent. Milliseconds. */
const FINISHING = 1000;

/** What a node calls. None of these may throw. */
export interface RedisNodeSide {
  /** One publication, in the order of the mailbox. The next comes when the promise, if there is one, is resolved. */
  deliver(publication: Publication, stored: Stored | undefined, at: Position): MaybePromise<void>;
  missed(gap: MailboxGap): void;
  /** A text of another node for this one: see `tell`. `age`: how long ago it was told, as far as this node knows. Milliseconds. */
  told(text: string, age: number): void;
  /** Redis was restarted, or another one answers. */
  restarted(): void;
  /** `away`: publications and changes wait. The reason is for the log. */
  state(state: 'open' | 'away', reason?: string): void;
  /** After each beat that succeeded. */
  beaten(beat: Beat): void;
  /** Something that the operator should know: a refusal of Redis, or an entry of another format. */
  failed(error: unknown): void;
  /** All that is in force, to be told to a Redis that knows nothing of this node. */
  interests(): Iterable<string>;
  /** The places of all sessions of this node on rosters. */
  places(): Iterable<Listing>;
  /** Changes of places were carried out: the last change of each roster that a node watches. */
  attended(reached: Attended['reached']): void;
  /** A roster that this node watches has changed. */
  changed(roster: string, change: RosterChange): void;
}

/** A place on a roster that is another than Redis knows. Of several with one key only the last counts. */
export interface Listing {
  readonly key: string;
  /** Asked when it is sent. */
  readonly change: () => PlaceChange;
}

/** A key of its own. */
interface Attending {
  readonly key: string;
  readonly change: () => AttendChange;
}

const begin: Attending = { key: 'begin', change: () => ({ is: 'begin' }) };
const end: Attending = { key: 'end', change: () => ({ is: 'end' }) };
/** What became of a text for another node. `gone`: Redis knows no such node. `not now`: this node has to renew its lease first. */
export type Told = 'told' | 'gone' | 'not now';

/** What a node on Redis is made with. */
export interface RedisNodeOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  /** Another after each start. */
  readonly node: string;
  readonly namespace: string;
  /** How long a command may take. Milliseconds; 1000 if absent. */
  readonly timeout?: number;
  readonly limits?: Partial<PublishLimits>;
  /** How long mailboxes keep entries. Milliseconds. */
  readonly keepMs: number;
  readonly leaseMs?: number;
  readonly lease: () => Lease;
  /** With `failover`, nothing counts as done before a replica has it. */
  readonly durability?: Durability;
  /** Writes an envelope in one of the formats that the lease names; `encodeEnvelope` if absent. */
  readonly encode?: (envelope: Envelope, format: number) => string;
  readonly side: RedisNodeSide;
}

/** One node of a cluster on Redis: publications out and in, interests, places on rosters, and the lease. */
export class RedisNode {
  readonly keys: Keys;
  /** For commands that do not block. */
  readonly commands: RedisConnection;
  readonly runner: ScriptRunner;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #side: RedisNodeSide;
  readonly #reads: RedisConnection;
  readonly #publications: PublishLine;
  readonly #lease: () => Lease;
  readonly #encode: (envelope: Envelope, format: number) => string;
  // What all living nodes read.
  #format = formats[0];
  readonly #maxMailbox: number;
  readonly #isReplicated: boolean;
  readonly #leaseMs: number;
  readonly #keepMs: number;
  readonly #interests: ChangeLine<InterestChange>;
  readonly #places: ChangeLine<Attending>;
  readonly #mailbox: Mailbox;
  readonly #heartbeat: Heartbeat;
  readonly #lag = new Lag();
  readonly #turns: Turns;
  // Publications of this node by their number: the object itself is delivered here.
  readonly #own = new Map<number, Publication>();
  // Numbers of publications that were delivered here before they were sent.
  readonly #ahead = new Set<number>();
  #caller: Caller | undefined;
  #runId: string | undefined;
  // How far the clock of Redis is ahead. Milliseconds.
  #clockAhead = 0;
  // Since when `commands` is open again.
  #backSince = Number.NEGATIVE_INFINITY;
  #isStopped = true;
  #reading: Promise<void> = Promise.resolve();
  readonly #opened = new Deferred<void>();
  #resuming: Timer | undefined;

  constructor(options: RedisNodeOptions) {
    const { dial, clock, node, namespace, timeout = 1000, limits, side, durability } = options;
    this.#isReplicated = durability === 'failover';
    const { hold, maxMailbox } = { ...publishLimits, ...limits };
    this.#maxMailbox = maxMailbox;
    this.#lease = options.lease;
    this.#leaseMs = options.leaseMs ?? LEASE;
    this.#keepMs = options.keepMs;
    this.#encode = options.encode ?? encodeEnvelope;
    this.#node = node;
    this.#clock = clock;
    this.#turns = new Turns(clock);
    this.#side = side;
    this.keys = new Keys(namespace);
    this.commands = new RedisConnection({ dial, clock, timeout });
    this.#reads = new RedisConnection({ dial, clock, timeout });
    this.#followsOther(this.commands, this.#reads);
    this.#followsOther(this.#reads, this.commands);
    this.runner = new ScriptRunner(this.commands, this.keys, this.#isReplicated);
    // Before the lines hear of it: another Redis gets a beat first.
    this.commands.onState((state) => {
      if (state.is === 'open' && this.#runId !== undefined && state.runId !== this.#runId) this.#pause();
    });
    const line = { connection: this.commands, clock, hold, stopped: (why: string) => this.#stopped(why) };
    this.#publications = new PublishLine({
      ...line,
      runner: this.runner,
      waitsForOutcome: this.#isReplicated,
      ...(limits && { limits }),
    });
    this.#interests = new ChangeLine<InterestChange>({
      ...line,
      call: (caller, number, changes) => interest(this.runner, caller, number, changes),
      keyOf: ({ pattern }) => pattern,
    });
    this.#places = new ChangeLine<Attending>({
      ...line,
      call: (caller, number, changes) => this.#attend(caller, number, changes),
      keyOf: ({ key }) => key,
      bytesOf: ({ change }) => bytesOf(change()),
    });
    const { keys } = this;
    this.#mailbox = new Mailbox({ connection: this.#reads, keys, node, clock, reader: this.#reader });
    this.#heartbeat = new Heartbeat({
      ...options,
      runner: this.runner,
      runId: () => this.#connectedRunId,
      numbers: () => ({
        publications: this.#publications.lastToForget,
        interests: this.#interests.last,
        presences: this.#places.last,
      }),
      read: () => this.#mailbox.place.id,
      beaten: (beat) => this.#beaten(beat),
      lapsed: () => this.#stopped('no beat reached Redis in time'),
      failed: (error) => this.#side.failed(error),
    });
    this.commands.onState((state) => {
      if (state.is === 'open') {
        if (this.#caller !== undefined) this.#backSince = clock.now();
        this.#heartbeat.now();
      }
      if (state.is === 'away') this.#side.state('away', state.reason.message);
    });
  }

  /** The caller of scripts; undefined until the first beat. */
  get caller(): Caller | undefined {
    return this.#caller;
  }

  /** Publications that wait for Redis. */
  get pending(): number {
    return this.#publications.pending;
  }

  /** Entries of the mailbox that were not read, and the age of the oldest in milliseconds. */
  get lag(): { readonly entries: number; readonly ms: number } {
    return this.#lag.behind(this.#mailbox.place, this.#clock.now());
  }

  /** Time since the last beat that succeeded. Milliseconds; undefined before the first. */
  get sinceBeat(): number | undefined {
    return this.#heartbeat.age;
  }

  /** Failures and reconnects of both connections. */
  get counts(): { readonly failures: number; readonly reconnects: number } {
    const [one, other] = [this.commands, this.#reads];
    return {
      failures: one.failures + other.failures,
      reconnects: one.reconnects + other.reconnects,
    };
  }

  /** Resolves after the first beat. Rejects when the node is closed before. */
  open(): Promise<void> {
    this.commands.open();
    this.#reads.open();
    this.#reading = this.#mailbox.read();
    return this.#opened.promise;
  }

  /**
   * Resolves when the publication was delivered here, and is in the mailboxes of all nodes whose interest was in force. Rejects with
   * `EngineUnavailable` when nobody got it. With `isDelivered` it is for other nodes only, and waits for Redis as long as it takes.
   */
  async publish(
    publication: Publication,
    how: Pick<Carried, 'durable' | 'toNodes'> = {},
    isDelivered = false,
  ): Promise<Stored | undefined> {
    const { event } = publication;
    let own: number | undefined;
    const make = (number: number): Carried => {
      if (own !== undefined) this.#forget(own);
      own = number;
      this.#own.set(number, publication);
      if (isDelivered) this.#ahead.add(number);
      const envelope = this.#encode({ publication, origin: this.#node, number }, this.#format);
      return { channel: event.channel, envelope, ...how };
    };
    try {
      return await this.#publications.publish(make, event.bytes + AROUND, isDelivered);
    } finally {
      if (own !== undefined) this.#own.delete(own);
    }
  }

  #forget(number: number): void {
    this.#own.delete(number);
    this.#ahead.delete(number);
  }

  /** Stores a record, which nobody is brought. Settles as `publish` does. */
  append(channel: string, durable: NonNullable<Carried['durable']>): Promise<Stored | undefined> {
    const make = (): Carried => ({ channel, envelope: '', durable, isRecord: true });
    return this.#publications.publish(make, durable.json.length + AROUND);
  }

  /** Tells another node a text. Sent once. Rejects with `RedisError`; then it may come all the same. */
  async tell(node: string, text: string): Promise<Told> {
    if (this.#caller === undefined) return 'not now';
    const outcome = await tell(this.runner, this.#caller, node, text, this.#maxMailbox);
    if (outcome.is !== 'OK') return 'not now';
    return outcome.value ? 'told' : 'gone';
  }

  /** Resolves when it is in force for publications begun after that. */
  interest(pattern: string, isWanted: boolean): Promise<void> {
    return this.#interests.tell({ pattern, isWanted });
  }

  /** Resolves when Redis has the place as it is. */
  list(place: Listing): Promise<void> {
    return this.#places.tell(place);
  }

  /** Places that Redis does not have as they are. */
  get unlisted(): number {
    return this.#places.waiting;
  }

  /** Tells all places anew, instead of those that wait. */
  listAll(): void {
    this.#places.replace(this.#allPlaces());
  }

  /** Removes all keys of a node that has no lease, unless another node does. */
  async sweep(dead: string): Promise<void> {
    await this.#removeKeysOf(dead);
  }

  /** Waits a second at most for publications that are on their way, then removes the keys of this node if Redis can be reached. */
  async close(): Promise<void> {
    this.#opened.reject(new EngineUnavailable('the engine was closed before Redis answered'));
    await this.#publications.finish(FINISHING);
    this.#resuming?.cancel();
    this.#heartbeat.close();
    this.#publications.close();
    this.#interests.close();
    this.#places.close();
    this.#mailbox.close();
    // Whatever stays is swept by another node.
    await this.#removeKeysOf(this.#node).catch(() => {});
    this.commands.close();
    this.#reads.close();
    await this.#reading;
  }

  readonly #reader = {
    brought: async (items: readonly MailboxItem[], at: Position): Promise<void> => {
      for (const item of items) {
        const turn = this.#turns.next();
        if (turn !== undefined) await turn;
        await this.#bring(item, at);
      }
    },
    told: (text: string, id: string): void => this.#side.told(text, this.#ageOf(id)),
    missed: (gap: MailboxGap): void => {
      this.#publications.missed();
      // What no replica confirmed was not accepted: it is sent again.
      if (!this.#isReplicated || gap.why !== 'rolled back') this.#side.missed(gap);
    },
    restarted: (): void => this.#side.restarted(),
    failed: (error: Error): void => this.#side.failed(error),
  };

  #bring(item: MailboxItem, at: Position): MaybePromise<void> {
    if (item.is === 'repeated') return this.#publications.brought(item.number, item.stored);
    if (item.is === 'attended') return this.#side.changed(item.roster, item.change);
    if (item.is === 'skipped') return this.#publications.skipped(item.first, item.count);
    if (item.is === 'unreadable') {
      this.#side.failed(
        new Error(`an entry of the mailbox has a field ${item.field} that this version cannot read`),
      );
      return this.#side.missed({ why: 'trimmed', entries: 1 });
    }
    const { publication, origin, number, stored } = item.envelope;
    if (origin !== this.#node) return this.#side.deliver(publication, stored, at);
    const delivered = this.#wasAhead(number)
      ? undefined
      : this.#side.deliver(this.#own.get(number) ?? publication, stored, at);
    this.#publications.brought(number, stored);
    return delivered;
  }

  // One that was opened later knows better where the Redis is: after a failover the former one may go on for a while.
  #followsOther(connection: RedisConnection, other: RedisConnection): void {
    other.onState((is) => {
      const was = connection.state;
      if (is.is !== 'open' || was.is !== 'open' || is.runId === was.runId) return;
      connection.renew(new Error('a newer connection leads to another Redis'));
    });
  }

  #wasAhead(number: number): boolean {
    const was = this.#ahead.has(number);
    // Those before it will not be brought any more.
    for (const one of this.#ahead) if (one <= number) this.#ahead.delete(one);
    return was;
  }

  // The ids of a mailbox are times of Redis.
  #ageOf(id: string): number {
    return this.#clock.now() + this.#clockAhead - Number.parseInt(id, 10);
  }

  get #connectedRunId(): string | undefined {
    const { state } = this.commands;
    return state.is === 'open' ? state.runId : this.#runId;
  }

  // Redis may have been away for all: a node without a lease gets time to come back before it is swept.
  get #isSettled(): boolean {
    return this.#clock.now() >= this.#backSince + 2 * this.#leaseMs;
  }

  async #removeKeysOf(node: string): Promise<void> {
    while (this.#caller !== undefined) {
      const outcome = await sweep(this.runner, this.#caller, node);
      if (outcome.is !== 'OK' || outcome.value !== 'more') return;
    }
  }

  #pause(): void {
    this.#publications.pause();
    this.#isStopped = true;
  }

  #beaten(beat: Beat): void {
    const { birth, isFresh } = beat;
    this.#lag.beaten(beat.unread, beat.now, this.#clock.now());
    const runId = this.#connectedRunId;
    const before = this.#caller;
    const isAnother = isFresh || birth !== before?.birth || runId !== this.#runId;
    this.#caller = { node: this.#node, birth };
    this.#clockAhead = beat.now - this.#clock.now();
    this.#runId = runId;
    this.#agree(beat);
    // A publication that comes twice does so within `keepMs` at most; clocks may differ a little.
    this.#mailbox.trimmed(this.#clock.now() - 2 * this.#keepMs);
    if (isAnother) this.#register(this.#caller, beat);
    if (isAnother || this.#isStopped) {
      const isReborn = before !== undefined && before.birth !== birth;
      // A mailbox that had nothing to read does not show it.
      if (isReborn) this.#side.missed({ why: 'new' });
      else if (isFresh && before !== undefined) this.#mailbox.removed();
      this.#resume(this.#caller, beat, isReborn ? REGISTERING : 0);
    }
    this.#isStopped = false;
    this.#side.state('open');
    this.#side.beaten(this.#isSettled ? beat : { ...beat, due: [] });
    this.#opened.resolve();
  }

  #agree({ format, living }: Beat): void {
    const own = this.#lease().formats;
    this.#format = writtenFormat(format, own);
    for (const why of strangers(living, own)) this.#side.failed(new Error(why));
  }

  #resume(caller: Caller, { numbers }: Beat, wait: number): void {
    this.#interests.resume(caller, numbers.interests);
    this.#places.resume(caller, numbers.presences);
    this.#resuming?.cancel();
    const resume = (): void => this.#putBack(this.#publications.resume(caller, numbers.publications));
    if (wait === 0) resume();
    else this.#resuming = this.#clock.after(wait, resume);
  }

  async #attend(caller: Caller, number: number, changes: readonly Attending[]): Promise<Outcome<void>> {
    const asked = changes.map(({ change }) => change());
    const outcome = await attend(this.runner, caller, number, asked, this.#maxMailbox);
    if (outcome.is !== 'OK') return outcome;
    this.#side.attended(outcome.value.reached);
    // One page at a time: the next follows in a call of its own.
    if (outcome.value.hasMore && changes.includes(end)) this.#places.tell(end).catch(() => {});
    return { is: 'OK', value: undefined };
  }

  #allPlaces(): readonly Attending[] {
    return [begin, ...this.#side.places(), end];
  }

  #putBack(count: number): void {
    if (count === 0 || !this.#isReplicated) return;
    this.#side.failed(
      new Error(
        `durability "failover" does not hold: Redis lost ${count} publications that a replica had confirmed, and maybe others; these are published again`,
      ),
    );
    this.#side.missed({ why: 'rolled back', entries: count });
  }

  // Redis may have lost any of it.
  #register(caller: Caller, { numbers }: Beat): void {
    const interests = Array.from(this.#side.interests(), (pattern) => ({ pattern, isWanted: true }));
    this.#interests.resume(caller, numbers.interests, interests);
    this.#places.resume(caller, numbers.presences, this.#allPlaces());
  }

  #stopped(why: string): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#side.state('away', why);
    this.#heartbeat.now();
  }
}
