import { replaysOf } from '../support/replays-of.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matcher } from '../../src/channels/channel-names.ts';
import type { HistorySettings, StoredEvent } from '../../src/ports/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import { isPromise } from '../../src/lib/maybe-promise.ts';
import type { Server } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import type { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { SlowHistory } from '../support/slow-history.ts';
import { settle, turn } from '../support/until.ts';

const CHANNELS = ['/d/a', '/d/b', '/d/e/f', '/p'] as const;
const SLOTS = 3;
const FOREVER = 1_000_000_000;
/** Which subscriptions a client makes: such that do not overlap, or such that do. */
const KEYS = [
  ['/d/a', '/d/b', '/d/e/*', '/p'],
  ['/d/**', '/d/a', '/d/*', '/p'],
] as const;

/** From where a client asks: what it saw last, an id of old, one more than there is, or one of the two words. */
type From = -1 | -2 | 'last' | 'future' | 'ancient' | { readonly at: number; readonly off: number };

type Step =
  | { readonly do: 'publish'; readonly channel: number; readonly count: number }
  | { readonly do: 'turn' | 'restart' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'open'; readonly slot: number; readonly way: 'lp' | 'ws'; readonly keys: 0 | 1 }
  | {
      readonly do: 'subscribe';
      readonly slot: number;
      readonly key: number;
      readonly from: From;
      /** Published to each durable channel while it is being answered. */
      readonly meanwhile: number;
    }
  | { readonly do: 'unsubscribe'; readonly slot: number; readonly key: number }
  | { readonly do: 'drain' | 'clog'; readonly slot: number };

const { constant, constantFrom, integer, nat, oneof, record } = fc;
const slot = nat({ max: SLOTS - 1 });
const from = oneof(
  constantFrom<From>(-1, -2, -2, 'last', 'last', 'future', 'ancient'),
  record({ at: nat(), off: constantFrom(-1, 0, 0, 0) }),
);
const count = oneof(
  { weight: 4, arbitrary: integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: integer({ min: 100, max: 700 }) },
);

const step: fc.Arbitrary<Step> = oneof(
  { weight: 6, arbitrary: record({ do: constant('publish' as const), channel: nat({ max: 3 }), count }) },
  { weight: 4, arbitrary: record({ do: constant('turn' as const) }) },
  { weight: 1, arbitrary: record({ do: constant('restart' as const) }) },
  { weight: 2, arbitrary: record({ do: constant('pass' as const), ms: integer({ min: 1, max: 500 }) }) },
  {
    weight: 2,
    arbitrary: record({
      do: constant('open' as const),
      slot,
      way: constantFrom('lp' as const, 'ws' as const),
      keys: constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 8,
    arbitrary: record({
      do: constant('subscribe' as const),
      slot,
      key: nat({ max: 3 }),
      from,
      meanwhile: constantFrom(0, 0, 1, 3),
    }),
  },
  { weight: 1, arbitrary: record({ do: constant('unsubscribe' as const), slot, key: nat({ max: 3 }) }) },
  { weight: 4, arbitrary: record({ do: constantFrom('drain' as const, 'clog' as const), slot }) },
);

/** What a run starts with. */
interface Setup {
  readonly maxEvents: number;
  readonly maxAge: number;
  readonly onGap: 'fail' | 'earliest';
  /** How many turns the store takes for each answer, in a circle; none makes it answer at once. */
  readonly delays: readonly number[];
}

const setup: fc.Arbitrary<Setup> = record({
  maxEvents: constantFrom(3, 650, 10_000, 10_000),
  maxAge: constantFrom(600, FOREVER),
  onGap: constantFrom('fail', 'earliest'),
  delays: oneof(constant([]), fc.array(nat({ max: 3 }), { minLength: 1, maxLength: 7 })),
});

/** A memory history that remembers everything it was given. */
class Remembering extends MemoryHistory {
  readonly log: StoredEvent[] = [];
  /** Where its ids began. */
  start = 0;

  override async open(settings: HistorySettings): Promise<void> {
    await super.open(settings);
    this.start ||= this.newest;
  }

  override append(channel: string, json: string): StoredEvent {
    const stored = super.append(channel, json);
    this.log.push(stored);
    return stored;
  }

  /** The ids of what it has discarded. */
  get discarded(): ReadonlySet<number> {
    const events = this.read('/**', -1, Number.MAX_SAFE_INTEGER);
    if (isPromise(events)) throw new Error('so few are read at once');
    const kept = new Set(events.map(({ id }) => id));
    return new Set(this.log.filter(({ id }) => !kept.has(id)).map(({ id }) => id));
  }
}

/** One subscription and what is owed to it. */
interface Owed {
  readonly key: string;
  readonly matches: (channel: string) => boolean;
  /** Above which id; or all that was not discarded by the time it was read. */
  readonly above: number;
  readonly all: boolean;
  /** The newest id there was by then. */
  readonly newest: number;
  open: boolean;
}

/** One session as its client sees it. */
class Reader {
  readonly client: FakeClient;
  readonly keys: readonly string[];
  readonly owed: Owed[] = [];
  /** Whether a subscription was made twice, or overlaps another: then an event may come more than once. */
  mixed = false;
  reason: string | undefined;
  readonly #ways: FakeConduit[] = [];
  readonly #socket: FakeConduit | undefined;

  constructor(client: FakeClient, keys: readonly string[], wire: FakeConduit | undefined) {
    this.client = client;
    this.keys = keys;
    this.#socket = wire;
    if (wire !== undefined) this.#ways.push(wire);
  }

  way(): FakeConduit {
    if (this.#socket !== undefined) return this.#socket;
    const way = exchange();
    this.#ways.push(way);
    return way;
  }

  /** Lets the client take what there is: all, or nothing more for now. */
  async take(all: boolean): Promise<void> {
    if (this.#socket !== undefined) this.#socket.full = !all;
    if (all) await this.client.connect({ advice: { timeout: 0 } }, this.way());
  }

  get events(): readonly Wire[] {
    return this.#ways.flatMap(({ events }) => events);
  }

  /** Replay ids of what it got, in order. */
  get ids(): readonly { readonly id: number; readonly channel: string }[] {
    return this.events
      .filter(({ ext }) => ext !== undefined)
      .map(({ ext, channel }) => ({ id: Number((ext as Wire).replayId), channel: String(channel) }));
  }

  lastOf(matches: (channel: string) => boolean): number {
    return this.ids.filter(({ channel }) => matches(channel)).reduce((last, { id }) => Math.max(last, id), 0);
  }

  get isAtRest(): boolean {
    const { outbox, state } = this.client.session;
    return state === 'gone' || (replaysOf(this.client.session)?.isEmpty === true && outbox.size === 0);
  }
}

class World {
  readonly #setup: Setup;
  readonly #kept = new Remembering();
  readonly #history: MemoryHistory | SlowHistory;
  readonly #readers: (Reader | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  /** The highest id each slot saw, by subscription: it outlives its sessions. */
  readonly #seen = Array.from({ length: SLOTS }, () => new Map<string, number>());
  readonly #publishing = new Set<Promise<unknown>>();
  #server: Server;
  #clock: FakeClock;
  #number = 0;
  #waits = 0;

  constructor(given: Setup) {
    this.#setup = given;
    this.#history =
      given.delays.length === 0 ? this.#kept : new SlowHistory(() => this.#wait(given.delays), this.#kept);
    ({ server: this.#server, clock: this.#clock } = this.#serve());
  }

  open(): Promise<void> {
    return this.#server.open();
  }

  async run(one: Step): Promise<void> {
    switch (one.do) {
      case 'publish':
        return this.#publish(CHANNELS[one.channel] ?? '/p', one.count);
      case 'turn':
        return turn();
      case 'pass':
        return this.#clock.tick(one.ms);
      case 'restart':
        return this.#restart();
      case 'open':
        return this.#open(one.slot, one.way, KEYS[one.keys]);
      case 'subscribe':
        return this.#subscribe(one.slot, one.key, one.from, one.meanwhile);
      case 'unsubscribe':
        return this.#unsubscribe(one.slot, one.key);
      case 'drain':
        return this.#readers[one.slot]?.take(true);
      case 'clog':
        return this.#readers[one.slot]?.take(false);
    }
  }

  /** Everyone takes what there is until there is no more; then it has to be right. */
  async end(): Promise<void> {
    for (let more = 0; more < 1000 && !this.#isAtRest; more += 1) {
      for (const reader of this.#readers) if (reader?.reason === undefined) await reader?.take(true);
      await settle(2);
    }
    expect(this.#isAtRest).toBe(true);
    for (const [at] of this.#readers.entries()) this.#leave(at);
    await this.#server.close();
    expect(this.#clock.pending).toBe(0);
  }

  get #isAtRest(): boolean {
    return this.#publishing.size === 0 && this.#readers.every((reader) => reader?.isAtRest !== false);
  }

  #serve() {
    const { maxEvents, maxAge, onGap } = this.#setup;
    return serve({
      channels: { '/d/**': { history: { maxEvents, maxAge } } },
      history: this.#history,
      replay: { onGap },
      maxInterval: 1_000_000_000,
      maxQueue: 1_000_000,
    });
  }

  async #wait(delays: readonly number[]): Promise<void> {
    this.#waits += 1;
    for (let left = delays[this.#waits % delays.length] ?? 0; left > 0; left -= 1) await turn();
  }

  #publish(channel: string, times: number): void {
    for (let at = 0; at < times; at += 1) {
      this.#number += 1;
      const done = this.#server.publish(channel, this.#number).finally(() => this.#publishing.delete(done));
      this.#publishing.add(done);
    }
  }

  async #restart(): Promise<void> {
    await Promise.all(this.#publishing);
    await this.#server.close();
    for (const [at] of this.#readers.entries()) this.#leave(at);
    const elapsed = this.#clock.now();
    ({ server: this.#server, clock: this.#clock } = this.#serve());
    await this.#clock.tick(elapsed - this.#clock.now());
    await this.open();
  }

  async #open(at: number, way: 'lp' | 'ws', keys: readonly string[]): Promise<void> {
    this.#leave(at);
    const wire = way === 'ws' ? socket() : undefined;
    const client = await FakeClient.connected(this.#server, wire);
    const reader = new Reader(client, keys, wire);
    this.#readers[at] = reader;
    const stop = this.#server.on('session.closed', ({ session, reason }) => {
      if (session !== client.session) return;
      reader.reason = reason;
      stop();
    });
  }

  async #subscribe(at: number, index: number, wanted: From, meanwhile: number): Promise<void> {
    if (this.#readers[at]?.reason !== undefined || this.#readers[at] === undefined) {
      await this.#open(at, at === 0 ? 'lp' : 'ws', KEYS[0]);
    }
    const reader = this.#readers[at];
    if (reader === undefined) return;
    const key = reader.keys[index] ?? '/p';
    const position = this.#positionOf(wanted, this.#seen[at]?.get(key) ?? 0, reader.keys === KEYS[1]);
    const before = this.#kept.discarded;
    const way = reader.way();
    const message = reader.client.message('/meta/subscribe', {
      subscription: key,
      ext: { replay: { [key]: position } },
    });
    const sent = reader.client.send(message, way);
    for (const channel of CHANNELS) if (meanwhile > 0) this.#publish(channel, meanwhile);
    await sent;
    const reply = way.replies.find(({ id }) => id === message.id);
    if (reply === undefined) throw new Error('no reply');
    // Meanwhile another replay of it could not go on.
    if (reader.reason === 'history' && reply.error === '402::session_unknown') return;
    if (key === '/p') {
      expect(reply).not.toHaveProperty('ext');
      return;
    }
    this.#judge(reader, key, position, reply, before);
  }

  // RP-5, RP-17: what is said of continuity, against what was really discarded.
  #judge(reader: Reader, key: string, position: number, reply: Wire, before: ReadonlySet<number>): void {
    const matches = matcher(key);
    const isGapIn = (discarded: ReadonlySet<number>) =>
      this.#kept.log.some(({ id, channel }) => id > position && matches(channel) && discarded.has(id));
    const isFuture = position > this.#kept.newest;
    // What was there before this store was nobody knows.
    const isAncient = position < this.#kept.start;
    const unprovable = isFuture || isAncient || this.#kept.range(key).discardedThrough > position;
    if (reply.successful !== true) {
      expect(reply.error).toBe(`400:${key.includes('{') ? '' : key},${position}:replay_id_invalid`);
      expect(this.#setup.onGap).toBe('fail');
      expect(unprovable).toBe(true);
      // Where channels are forgotten, only that something was there is known of them.
      const isKnown = !key.endsWith('*') && this.#setup.maxAge === FOREVER;
      if (isKnown) expect(isAncient || isFuture || isGapIn(this.#kept.discarded)).toBe(true);
      return;
    }
    const told = ((reply.ext as Wire).replay as Wire)[key] as Wire;
    const recovered = position >= 0 && told.recovered === true;
    expect(told.recovered).toBe(recovered);
    if (recovered) expect([isAncient, isFuture, isGapIn(before)]).toEqual([false, false, false]);
    else if (position >= 0) expect([this.#setup.onGap, unprovable]).toEqual(['earliest', true]);

    const older = reader.owed.filter((one) => one.open);
    if (older.length > 0 && reader.keys === KEYS[1]) reader.mixed = true;
    for (const one of reader.owed) {
      if (one.key !== key) continue;
      reader.mixed = true;
      if (!one.open) continue;
      // New events come anyway; anything else takes the place of what was asked for before.
      if (position === -1) return;
      one.open = false;
    }
    const above = recovered ? position : position === -1 ? Number(told.newest) : 0;
    const all = !recovered && position !== -1;
    reader.owed.push({ key, matches, above, all, newest: Number(told.newest), open: true });
  }

  // Who knows an id that nobody was told yet cannot have missed it; with subscriptions that overlap one would, and the other not.
  #positionOf(wanted: From, seen: number, isToldOnly: boolean): number {
    const { newest, start } = this.#kept;
    const log = isToldOnly
      ? this.#kept.log.slice(0, Math.max(0, this.#kept.log.length - this.#publishing.size))
      : this.#kept.log;
    if (wanted === 'last') return seen === 0 ? -2 : seen;
    if (wanted === 'future') return newest + (isToldOnly ? 1_000_000 : 1);
    if (wanted === 'ancient') return start - 1;
    if (typeof wanted === 'number') return wanted;
    return (log[wanted.at % (log.length || 1)]?.id ?? start) + wanted.off;
  }

  async #unsubscribe(at: number, index: number): Promise<void> {
    const reader = this.#readers[at];
    const key = reader?.keys[index];
    if (reader === undefined || key === undefined || reader.reason !== undefined) return;
    await reader.client.unsubscribe(key, reader.way());
    for (const one of reader.owed) if (one.key === key) one.open = false;
    if (reader.keys === KEYS[1]) reader.mixed = true;
  }

  /** The session is over, for this slot: what it got has to be right by now. */
  #leave(at: number): void {
    const reader = this.#readers[at];
    if (reader === undefined) return;
    this.#check(reader);
    for (const { key, matches } of reader.owed) {
      this.#seen[at]?.set(key, Math.max(this.#seen[at]?.get(key) ?? 0, reader.lastOf(matches)));
    }
    this.#readers[at] = undefined;
    if (reader.client.session.state !== 'gone') reader.client.session.close('disconnect');
  }

  #check(reader: Reader): void {
    const { discarded, log } = this.#kept;
    const plain = reader.events.filter(({ channel }) => channel === '/p').map(({ data }) => Number(data));
    expect(plain).toEqual([...new Set(plain)].sort((a, b) => a - b));
    const got = reader.ids;
    const isComplete = reader.isAtRest && reader.reason === undefined && this.#publishing.size === 0;
    if (reader.reason === 'history') {
      const gotIds = new Set(got.map(({ id }) => id));
      const isMissed = ({ matches, above }: Owed) =>
        log.some(
          ({ id, channel }) =>
            id > above && matches(channel) && discarded.has(id) && (reader.mixed || !gotIds.has(id)),
        );
      expect(reader.owed.some(isMissed)).toBe(true);
    }
    for (const one of got) {
      // Nothing but what somebody asked for.
      expect(reader.owed.some(({ matches, above }) => matches(one.channel) && one.id > above)).toBe(true);
    }
    const mayMiss = ({ all, newest }: Owed, id: number) => all && id <= newest && discarded.has(id);
    for (const owed of reader.owed) {
      const due = log
        .filter(({ id, channel }) => id > owed.above && owed.matches(channel))
        .map(({ id }) => id);
      const came = got.filter(({ channel }) => owed.matches(channel)).map(({ id }) => id);
      const set = new Set(came);
      if (reader.mixed) {
        if (isComplete && owed.open)
          expect(due.filter((id) => !set.has(id) && !mayMiss(owed, id))).toEqual([]);
        continue;
      }
      // In order, none twice.
      expect(came).toEqual([...new Set(came)].sort((a, b) => a - b));
      // None missing in between, nor in front but what was gone when it was read, nor, in the end, at the end.
      const first = owed.all ? due.filter((id) => set.has(id) || !mayMiss(owed, id)) : due;
      expect(came).toEqual(isComplete && owed.open ? first : first.slice(0, came.length));
      if (owed.all) this.#checkSuffixes(owed, came);
    }
  }

  // Channel by channel: once the first event has come, none is missing.
  #checkSuffixes(owed: Owed, came: readonly number[]): void {
    const set = new Set(came);
    const last = came.at(-1) ?? 0;
    const begun = new Set<string>();
    for (const { id, channel } of this.#kept.log) {
      if (id > last || !owed.matches(channel)) continue;
      if (set.has(id)) begun.add(channel);
      else expect(begun.has(channel)).toBe(false);
    }
  }
}

/** Random schedules, of up to so many steps, of publishing, expiry, restarts and subscriptions: each session gets exactly what it is owed, and is told the truth. */
export function replayModel(runs: number, longest: number, seed?: number): void {
  const schedules = fc.array(step, { minLength: 3, maxLength: longest, size: 'max' });
  const holds = fc.asyncProperty(setup, schedules, async (given, schedule) => {
    const world = new World(given);
    await world.open();
    for (const one of schedule) await world.run(one);
    await world.end();
  });
  const name = `brings each session exactly what it is owed, and tells the truth about gaps (${runs} runs)`;
  it(name, () => fc.assert(holds, { numRuns: runs, ...(seed !== undefined && { seed }) }), runs * 200);
}
