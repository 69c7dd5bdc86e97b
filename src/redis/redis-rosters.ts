import type { Clock, Timer } from '../lib/clock.ts';
import type { Attendee, Roster, RosterChange, Rosters, RosterSize } from '../ports/directory.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import { askedUntil } from './connection/asked-until.ts';
import type { Interests } from './interests.ts';
import type { Listing, RedisNode } from './redis-node.ts';
import { RosterCopy, type RosterListener } from './roster-copy.ts';
import type { PlaceChange } from './scripts/attend.ts';
import { type ReadRoster, readRoster } from './scripts/read-roster.ts';
import { watchOf } from './scripts/rosters.ts';

/** Places that wait to be told, besides those that there are. */
const MAX_GONE = 10_000;

/** After a read that failed, or that came too early, the next one waits so long. Milliseconds. */
const PAUSE = 200;

/** What rosters are made with. */
export interface RedisRostersOptions {
  /** The name of this node. */
  readonly node: string;
  readonly clock: Clock;
  /** How long a call waits while Redis cannot be reached. Milliseconds. */
  readonly hold: () => number;
  /** Resolves when the node has opened; rejects when that failed. */
  readonly opened: () => Promise<RedisNode>;
  readonly interests: Interests;
  /** Places of sessions that are gone which wait to be told; with more, all places are told anew. 10,000 if absent. */
  readonly maxGone?: number;
}

/** A session of this node on a roster. */
interface Place {
  readonly attendee: Attendee;
  readonly isLingering: boolean;
}

/** A roster that this node watches. */
interface Watched {
  readonly copy: RosterCopy;
  /** Undefined after a failure. */
  opening: Promise<void> | undefined;
  timer: Timer | undefined;
  // The number of reads: only the last one counts.
  round: number;
  /** The last change that this node made, by its number in Redis. */
  made: number;
}

/**
 * The rosters of a cluster, in Redis. Each node tells the places of its own sessions, and is brought the changes of the rosters that it watches by its
 * mailbox. It has a copy of these, from which it reads them.
 */
export class RedisRosters implements Rosters {
  readonly #options: RedisRostersOptions;
  readonly #places = new Map<string, Place>();
  readonly #watched = new Map<string, Watched>();
  #isClosed = false;

  constructor(options: RedisRostersOptions) {
    this.#options = options;
  }

  async enter(name: string, attendee: Attendee, inPlaceOf?: string): Promise<void> {
    this.#places.set(keyOf(name, attendee), { attendee, isLingering: false });
    if (inPlaceOf === undefined || inPlaceOf === attendee.session) {
      await this.#tell(name, attendee);
      return;
    }
    const older = { ...attendee, session: inPlaceOf };
    this.#places.delete(keyOf(name, older));
    await Promise.all([this.#tell(name, attendee, inPlaceOf), this.#tell(name, older)]);
  }

  async linger(name: string, attendee: Attendee): Promise<void> {
    const key = keyOf(name, attendee);
    if (!this.#places.has(key)) return;
    this.#places.set(key, { attendee, isLingering: true });
    await this.#tell(name, attendee);
  }

  async leave(name: string, attendee: Attendee): Promise<void> {
    if (this.#places.delete(keyOf(name, attendee))) await this.#tell(name, attendee);
  }

  async read(name: string): Promise<Roster> {
    const copy = this.#watched.get(name)?.copy;
    if (copy?.isKnown) return copy.read();
    const { seq, total, users } = await this.#read(name, true);
    return { seq, total, users };
  }

  async size(name: string): Promise<RosterSize> {
    const copy = this.#watched.get(name)?.copy;
    if (copy?.isKnown) return copy.size;
    const { seq, total } = await this.#read(name, false);
    return { seq, total };
  }

  async watch(name: string, listener: RosterListener): Promise<() => void> {
    const watched = this.#watched.get(name) ?? this.#watch(name);
    const { listeners } = watched.copy;
    // Of its own: the same function may watch twice.
    const hear: RosterListener = (change) => listener(change);
    listeners.add(hear);
    const end = (): void => {
      if (listeners.delete(hear) && listeners.size === 0) this.#unwatch(name, watched);
    };
    try {
      watched.opening ??= this.#open(name, watched);
      await watched.opening;
    } catch (error) {
      watched.opening = undefined;
      end();
      throw error;
    }
    return end;
  }

  /** The places of all sessions of this node. */
  get places(): Iterable<Listing> {
    return Array.from(this.#places, ([key, { attendee }]) => this.#listing(rosterIn(key), attendee));
  }

  /** Redis carried out changes of this node. */
  reached(changes: ReadonlyMap<string, number>): void {
    for (const [name, seq] of changes) {
      const watched = this.#watched.get(name);
      if (watched !== undefined) watched.made = seq;
    }
  }

  /** The mailbox brings a change. */
  changed(name: string, change: RosterChange): void {
    this.#watched.get(name)?.copy.take(change);
  }

  /** Changes may be missing. `wait`: time in which other nodes may put right what Redis lost. Milliseconds. */
  missed(wait: number): void {
    for (const [name, watched] of this.#watched) {
      const readAnew = (): void => this.#readAnew(name, watched, wait);
      if (watched.copy.isKnown) readAnew();
      else watched.opening?.then(readAnew, () => {});
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { copy, timer } of this.#watched.values()) {
      timer?.cancel();
      copy.close();
    }
    this.#watched.clear();
  }

  async #tell(name: string, attendee: Attendee, inPlaceOf?: string): Promise<void> {
    const node = await this.#options.opened();
    try {
      const told = node.list(this.#listing(name, attendee, inPlaceOf));
      // So many sessions came and went while Redis was away that it is less to tell how everything is.
      if (node.unlisted > this.#places.size + (this.#options.maxGone ?? MAX_GONE)) node.listAll();
      await told;
    } catch (error) {
      // A node that leaves takes its places with it.
      if (!this.#isClosed) throw error;
    }
    const watched = this.#watched.get(name);
    if (watched?.copy.isKnown) await watched.copy.told(watched.made);
  }

  #listing(name: string, attendee: Attendee, inPlaceOf?: string): Listing {
    const key = keyOf(name, attendee);
    return { key, change: () => this.#changeOf(name, attendee, inPlaceOf) };
  }

  // As it is when the call is sent: what was asked meanwhile needs no call of its own.
  #changeOf(roster: string, { id, session }: Attendee, inPlaceOf: string | undefined): PlaceChange {
    const place = this.#places.get(keyOf(roster, { id, session }));
    if (place === undefined) return { is: 'gone', roster, id, session };
    const { attendee, isLingering } = place;
    const { since, info } = attendee;
    const isFree = inPlaceOf !== undefined && !this.#places.has(keyOf(roster, { id, session: inPlaceOf }));
    return {
      is: isLingering ? 'lingering' : 'here',
      roster,
      id,
      session,
      inPlaceOf: isFree ? inPlaceOf : '',
      since,
      info: info === undefined ? '' : JSON.stringify(info),
    };
  }

  #watch(name: string): Watched {
    const lost = (): void => this.#readAnew(name, watched, 0);
    const copy = new RosterCopy(lost);
    const watched: Watched = { copy, opening: undefined, timer: undefined, round: 0, made: 0 };
    this.#watched.set(name, watched);
    return watched;
  }

  #unwatch(name: string, watched: Watched): void {
    if (this.#watched.get(name) !== watched) return;
    this.#watched.delete(name);
    watched.timer?.cancel();
    watched.copy.close();
    this.#options.interests.remove(watchOf(name));
  }

  async #open(name: string, watched: Watched): Promise<void> {
    await this.#options.opened();
    await this.#options.interests.add(watchOf(name));
    watched.copy.reading();
    const roster = await this.#read(name, true);
    if (!roster.isWatched) throw new EngineUnavailable('Redis lost what this node watches');
    watched.copy.renew(roster);
  }

  #readAnew(name: string, watched: Watched, wait: number): void {
    if (this.#isClosed || this.#watched.get(name) !== watched) return;
    watched.copy.lose();
    watched.round += 1;
    const { round } = watched;
    watched.timer?.cancel();
    watched.timer = this.#options.clock.after(wait, () => void this.#renew(name, watched, round));
  }

  async #renew(name: string, watched: Watched, round: number): Promise<void> {
    watched.copy.reading();
    const roster = await this.#read(name, true).catch(() => undefined);
    if (this.#isClosed || watched.round !== round || this.#watched.get(name) !== watched) return;
    if (roster?.isWatched) {
      watched.copy.renew(roster);
      // It may be a number from before all was lost.
      watched.made = 0;
    } else this.#readAnew(name, watched, PAUSE);
  }

  async #read(name: string, withUsers: boolean): Promise<ReadRoster> {
    const { runner, commands } = await this.#options.opened();
    const { clock, hold, node } = this.#options;
    const limit = { connection: commands, clock, hold: hold() };
    return askedUntil(() => readRoster(runner, node, name, withUsers), limit);
  }
}

// Neither names of rosters nor ids of sessions have a line break.
function keyOf(name: string, { id, session }: Pick<Attendee, 'id' | 'session'>): string {
  return `${name}\n${session}\n${id}`;
}

function rosterIn(key: string): string {
  return key.slice(0, key.indexOf('\n'));
}
