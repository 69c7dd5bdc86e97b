import { matcher } from '../../src/channels/channel-names.ts';
import { LocalGroups } from '../../src/core/local-groups.ts';
import { LocalRosters } from '../../src/core/local-rosters.ts';
import { PeerDirectory } from '../../src/core/peer-directory.ts';
import { LinkedPeers } from '../../src/cluster/linked-peers.ts';
import type { LinkSettings } from '../../src/cluster/link-settings.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Directory } from '../../src/ports/directory.ts';
import {
  type CarriedHistory,
  type Engine,
  EngineUnavailable,
  type NodeSide,
  type Publication,
  type Stamp,
} from '../../src/ports/engine.ts';
import { decodeEnvelope, encodeEnvelope, type Envelope } from '../../src/ports/envelope.ts';
import type { PeerQuestion } from '../../src/ports/peer-question.ts';
import type { PeerHandler, Peers } from '../../src/ports/peers.ts';
import type { MemoryHistory } from '../../src/features/history/memory-history.ts';
import type { StoredEvent } from '../../src/ports/history-store.ts';
import { newNode } from '../../src/lib/node-name.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

/**
 * A bus in this process that couples servers: one mailbox for each node, in one common order. Time is that of a fake clock. What goes
 * wrong on the way of a node is set on its engine.
 */
export class Bus {
  readonly clock: Clock;
  /** How long each call takes. Milliseconds. */
  delay = 0;
  readonly engines = new Set<BusEngine>();
  readonly lists: Pick<Directory, 'groups' | 'rosters'> = {
    groups: new LocalGroups(),
    rosters: new LocalRosters(),
  };
  /** The history of all nodes; undefined where each has its own. */
  readonly store: MemoryHistory | undefined;
  #count = 0;

  /** A number for a publication. */
  next(): number {
    this.#count += 1;
    return this.#count;
  }

  constructor(clock: Clock = new FakeClock(), store?: MemoryHistory) {
    this.clock = clock;
    this.store = store;
  }

  /** Puts a publication into the mailbox of each node that wants it, and of the one that publishes. */
  post(origin: BusEngine, publication: Publication, number: number, stored?: StoredEvent): void {
    const text = origin.encode({ publication, origin: origin.node, number, stored });
    const receivers = [...this.engines].filter((engine) => engine === origin || engine.wants(publication));
    for (const engine of receivers) engine.put(text);
  }
}

interface Call {
  readonly work: () => void;
  readonly reject: (error: Error) => void;
}

/** The engine of one node on a bus. */
export class BusEngine implements Engine {
  readonly node = newNode();
  /** Whether calls get no answer, as if the bus had stopped. */
  isHanging = false;
  /** The next calls fail with this, and nobody gets anything. */
  failure: Error | undefined;
  /** Whether this node answers questions of others. */
  answers = true;
  readonly peers: Peers;
  /** Links to the nodes that `setNodes` of it is told; undefined without settings for them. */
  readonly links: LinkedPeers | undefined;
  /** Where its links are taken, once it is open. */
  address: string | undefined;
  readonly history?: CarriedHistory;
  readonly #bus: Bus;
  readonly #wanted = new Map<string, (channel: string) => boolean>();
  readonly #mailbox: string[] = [];
  // Own publications that the mailbox has not brought yet, by number.
  readonly #own = new Map<number, { readonly publication: Publication; readonly done: () => void }>();
  #waiting: Call[] = [];
  #side: NodeSide | undefined;
  #stamp: Stamp = (event) => event;
  #handler: PeerHandler | undefined;
  #isCut = false;

  constructor(bus: Bus, links?: { readonly settings: LinkSettings; readonly clock: Clock }) {
    this.#bus = bus;
    this.links = links && new LinkedPeers({ node: this.node, ...links });
    this.peers = this.#makePeers();
    if (bus.store !== undefined) this.history = this.#makeHistory(bus.store);
  }

  async open(side: NodeSide): Promise<void> {
    this.#side = side;
    this.#bus.engines.add(this);
    this.address = await this.links?.open(side);
  }

  async close(): Promise<void> {
    this.#side = undefined;
    this.#bus.engines.delete(this);
    await this.links?.close();
  }

  publish(publication: Publication): Promise<void> {
    return this.#call((done) => this.#post(publication, done));
  }

  interest(pattern: string, wanted: boolean): Promise<void> {
    return this.#call((done) => {
      if (wanted) this.#wanted.set(pattern, matcher(pattern));
      else this.#wanted.delete(pattern);
      done();
    });
  }

  directory(local: Directory): Directory {
    return new PeerDirectory(local, this.peers, this.#bus.lists);
  }

  /** The patterns that have subscribers on this node. */
  get patterns(): string[] {
    return [...this.#wanted.keys()];
  }

  wants({ event, to }: Publication): boolean {
    if (to !== undefined) return to.some((id) => id.startsWith(this.node));
    return [...this.#wanted.values()].some((matches) => matches(event.channel));
  }

  encode(envelope: Envelope): string {
    return encodeEnvelope(envelope);
  }

  decode(text: string): Envelope | undefined {
    return decodeEnvelope(text);
  }

  /** Adds to the mailbox of this node. */
  put(text: string): void {
    this.#mailbox.push(text);
    this.#read();
  }

  /** Cuts the connection of this node: its mailbox goes on filling. */
  cut(): void {
    this.#isCut = true;
    this.#side?.state('away');
  }

  /** Loses what waits in the mailbox of this node. */
  trim(): void {
    const entries = this.#mailbox.splice(0).length;
    if (entries > 0) this.#side?.missed({ log: this.node, entries });
  }

  /** The connection is back: what waits goes on, in its order. */
  mend(): void {
    this.#isCut = false;
    this.#side?.state('open');
    this.#read();
    for (const { work } of this.#waiting.splice(0)) work();
  }

  // Reads the mailbox. What is not an envelope this version knows may have been anything.
  #read(): void {
    while (!this.#isCut && this.#side !== undefined) {
      const text = this.#mailbox.shift();
      if (text === undefined) return;
      this.#deliver(text, this.#side);
    }
  }

  #post(publication: Publication, done: () => void, stored?: StoredEvent): void {
    const number = this.#bus.next();
    this.#own.set(number, { publication, done });
    this.#bus.post(this, publication, number, stored);
  }

  #deliver(text: string, side: NodeSide): void {
    const envelope = this.decode(text);
    if (envelope === undefined) {
      side.missed('unknown');
      return;
    }
    const own = envelope.origin === this.node ? this.#own.get(envelope.number) : undefined;
    const publication = own?.publication ?? envelope.publication;
    const { stored } = envelope;
    side.deliver(
      stored === undefined ? publication : { ...publication, event: this.#stamp(publication.event, stored) },
    );
    own?.done();
    this.#own.delete(envelope.number);
  }

  #call<T>(work: (done: (answer: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.isHanging) return;
      const run = () => {
        if (this.#side === undefined) reject(new EngineUnavailable('the engine is closed'));
        else if (this.failure !== undefined) reject(this.failure);
        else if (this.#isCut) this.#wait({ work: run, reject });
        else work(resolve);
      };
      if (this.#bus.delay === 0) run();
      else this.#bus.clock.after(this.#bus.delay, run);
    });
  }

  #wait(call: Call): void {
    this.#waiting.push(call);
    this.#bus.clock.after(this.#side?.timeout ?? 0, () => {
      if (!this.#waiting.includes(call)) return;
      this.#waiting = this.#waiting.filter((other) => other !== call);
      call.reject(new EngineUnavailable('no connection to the bus'));
    });
  }

  // One store behind all nodes: the first opens it, and nobody closes it.
  #makeHistory(store: MemoryHistory): CarriedHistory {
    return {
      get newest() {
        return store.newest;
      },
      open: async (settings) => {
        if (store.newest < 0) await store.open(settings);
      },
      stampWith: (stamp) => {
        this.#stamp = stamp;
      },
      record: (publication) =>
        this.#call((done) => {
          const { event } = publication;
          const stored = store.append(event.channel, event.json);
          this.#post(publication, () => done(stored), stored);
        }),
      append: (name, json) => this.#call((done) => done(store.append(name, json))),
      read: (pattern, after, limit) => store.read(pattern, after, limit),
      last: (pattern, before, limit) => store.last(pattern, before, limit),
      range: (pattern) => store.range(pattern),
      expire: () => store.expire(),
      close: async () => {},
    };
  }

  #makePeers(): Peers {
    const others = () => [...this.#bus.engines].filter((engine) => engine !== this);
    return {
      ...(this.links && { forwarder: this.links }),
      get nodes() {
        return others().map(({ node }) => node);
      },
      ask: (node, question, ms) => {
        const peer = others().find((engine) => engine.node === node);
        if (peer?.answers === true) return peer.#reply(question);
        return new Promise((_resolve, reject) => {
          this.#bus.clock.after(ms, () => reject(new Error(`${node} does not answer`)));
        });
      },
      serve: (handler) => {
        this.#handler = handler;
        this.links?.serve(handler);
      },
    };
  }

  // By way of JSON, as between processes.
  async #reply(question: PeerQuestion): Promise<unknown> {
    return JSON.parse(JSON.stringify(await this.#handler?.answer(JSON.parse(JSON.stringify(question)))));
  }
}
