import { AllReached } from '../cluster/all-reached.ts';
import { Forwarded } from '../cluster/forwarded.ts';
import type { LinkSide } from '../cluster/linked-peers.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conduit } from '../ports/conduit.ts';
import { type Forwarder, type PeerHandler, UnreachableError } from '../ports/peers.ts';
import { decodePipeText, encodePipeText } from './pipe-text.ts';
import { PipedPeer, type PipeHost } from './piped-peer.ts';
import type { Told } from './redis-node.ts';
import { NodeKeys } from './seal.ts';

/** How long a node that was heard of may take to have a lease. Milliseconds. */
const NEW = 5_000;

/** How long closing waits for what is unsent. Milliseconds. */
const CLOSING = 1_000;

/** What the pipes of one node are made with. */
export interface PipedPeersInit {
  readonly node: string;
  readonly clock: Clock;
  /** The same on all nodes; empty if there is none. */
  readonly secret: string;
  readonly tell: (node: string, text: string) => Promise<Told>;
}

/** The other nodes, each through a pipe of its own in Redis. Whoever knows them calls `setNodes`. */
export class PipedPeers implements Forwarder {
  readonly forwarded = new Forwarded();
  readonly #init: PipedPeersInit;
  readonly #keys: NodeKeys;
  readonly #peers = new Map<string, PipedPeer>();
  readonly #all: AllReached;
  #handler: PeerHandler | undefined;
  #host: PipeHost | undefined;
  #isClosed = false;

  constructor(init: PipedPeersInit) {
    this.#init = init;
    this.#keys = new NodeKeys(init.secret);
    this.#all = new AllReached(init.clock, () => {
      const peers = [...this.#peers.values()];
      return this.#isClosed || peers.every(({ isReached }) => isReached);
    });
  }

  /** The key of this node, for the others; undefined while it serves nothing. */
  get key(): string | undefined {
    return this.#host && this.#keys.open;
  }

  /** Names of the nodes to which there is a pipe. */
  get reached(): readonly string[] {
    return Array.from(this.#peers).flatMap(([name, { isReached }]) => (isReached ? [name] : []));
  }

  /** Sets what the other nodes use of this one. Called once, before `open`. */
  serve(handler: PeerHandler): void {
    this.#handler = this.forwarded.counting(handler);
  }

  /** Begins pipes from now on, if there is anything to serve. */
  open({ log, refusals }: LinkSide): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    const { node, clock, tell } = this.#init;
    this.#host = {
      ...{ node, keys: this.#keys, clock, log, refusals, handler },
      tell: (to, text) => tell(to, encodePipeText(node, text)),
      reached: () => this.#all.look(),
    };
  }

  /** Sets which other nodes have a lease. `isSure`: if false, a node may have lost its lease since Redis was away. */
  setNodes(nodes: Iterable<string>, isSure: boolean): void {
    if (this.#isClosed) return;
    const named = new Set(nodes);
    for (const name of named) this.#peerOf(name)?.join();
    if (!isSure) return;
    const { clock } = this.#init;
    for (const [name, peer] of this.#peers) {
      if (named.has(name) || (!peer.isListed && clock.now() < peer.since + NEW)) continue;
      peer.leave();
      this.#peers.delete(name);
    }
  }

  /** Takes what another node told. False for what is no text of a pipe. */
  told(told: string): boolean {
    const read = decodePipeText(told);
    if (read === undefined) return false;
    const { from, text } = read;
    // Only a node that begins a pipe may be new.
    const peer = text.is === 'open' ? this.#peerOf(from) : this.#peers.get(from);
    if (peer !== undefined) peer.told(text);
    else if (text.is === 'data')
      this.#host?.tell(from, { is: 'close', other: text.own, isLeaving: false }).catch(() => {
        // It learns it when it sends more.
      });
    return true;
  }

  /** Resolves when there is a pipe to each node; after so many milliseconds in any case. */
  whenReached(ms: number): Promise<void> {
    return this.#all.wait(ms);
  }

  /** True for a node with a lease, and for one that has begun a pipe. */
  reaches(node: string): boolean {
    return this.#peers.get(node)?.hasLeft === false;
  }

  async forward(node: string, batch: string, conduit: Conduit): Promise<void> {
    const peer = this.#known(node);
    this.forwarded.out += 1;
    return peer.forward(batch, conduit);
  }

  async join(node: string, clientId: string, conduit: Conduit): Promise<boolean> {
    const peer = this.#known(node);
    this.forwarded.out += 1;
    return peer.joinStream(clientId, conduit);
  }

  lost(conduit: Conduit): void {
    for (const peer of this.#peers.values()) peer.lost(conduit);
  }

  /** Ends all pipes. What is under way ends with 503. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const closing = Promise.all(Array.from(this.#peers.values(), (peer) => peer.close()));
    await new Promise<void>((resolve) => {
      const timer = this.#init.clock.after(CLOSING, resolve);
      void closing.then(() => {
        timer.cancel();
        resolve();
      });
    });
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.leave('this node closes');
    this.#all.look();
  }

  #known(node: string): PipedPeer {
    const peer = this.reaches(node) ? this.#peers.get(node) : undefined;
    if (peer === undefined) throw new UnreachableError(`there is no node ${node}`);
    return peer;
  }

  #peerOf(name: string): PipedPeer | undefined {
    const known = this.#peers.get(name);
    if (known !== undefined || this.#host === undefined || this.#isClosed) return known;
    const peer = new PipedPeer(name, this.#host);
    this.#peers.set(name, peer);
    return peer;
  }
}
