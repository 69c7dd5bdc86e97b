import type { Socket } from 'node:net';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import type { RefusalNotes } from '../ports/refusal-notes.ts';
import type { PeerHandler } from '../ports/peers.ts';
import type { Frame } from './frames.ts';
import { type Ending, Link, type LinkOwner } from './link.ts';
import type { NodeInfo } from './node-info.ts';
import { Traffic } from './traffic.ts';
import { WaitingLine } from './waiting-line.ts';

/** The first and the longest pause before another node is dialed again. Milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;

/** How long something waits for a link: the lease of a node, and a second. Milliseconds. */
const PATIENCE = 5_000;

/** What a peer needs of its node. */
export interface PeerHost {
  readonly node: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly refusals: RefusalNotes;
  readonly handler: PeerHandler;
  /** Opens a connection to an address. */
  dial(address: string): Socket;
  /** There is a link to a node now. */
  linked(): void;
}

/**
 * Another node: the link to it, and what waits for one. Both nodes dial, at once and again and again, until there is a link.
 */
export class Peer implements LinkOwner {
  readonly #name: string;
  readonly #host: PeerHost;
  #address: string | undefined;
  #link: Link | undefined;
  #traffic: Traffic | undefined;
  #dialing: Link | undefined;
  #pause: Timer | undefined;
  #attempts = 0;
  #openedAt = 0;
  readonly #waiting: WaitingLine;

  constructor(name: string, host: PeerHost) {
    this.#name = name;
    this.#host = host;
    this.#waiting = new WaitingLine(name, host.clock);
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** Requests of clients that one of the two nodes serves for the other now. */
  get size(): Traffic['size'] {
    return this.#traffic?.size ?? { out: 0, in: 0 };
  }

  /** The node is one of the cluster: a link to it is wanted. */
  join({ link }: NodeInfo): void {
    this.#address = link;
    this.#dial();
  }

  /** The node is no longer one of the cluster. A link that is there stays. */
  leave(): void {
    this.#address = undefined;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#dialing?.cut({ why: `the node ${this.#name} has left` });
    this.#waiting.fail(`the node ${this.#name} has left`);
  }

  close(): void {
    this.leave();
    this.#link?.close({ why: 'this node closes' });
  }

  forward(batch: string, conduit: Conduit): Promise<void> {
    if (this.#traffic !== undefined) return this.#traffic.forward(batch, conduit);
    return this.#await(batch.length, PATIENCE, async (traffic) => {
      if (conduit.alive) await traffic.forward(batch, conduit);
    });
  }

  joinStream(clientId: string, conduit: Conduit): Promise<boolean> {
    if (this.#traffic !== undefined) return this.#traffic.join(clientId, conduit);
    return this.#await(clientId.length, PATIENCE, async (traffic) =>
      conduit.alive ? traffic.join(clientId, conduit) : false,
    );
  }

  lost(conduit: Conduit): void {
    this.#traffic?.lost(conduit);
  }

  ask(question: PeerQuestion, ms: number): Promise<unknown> {
    if (this.#traffic !== undefined) return this.#traffic.ask(question, ms);
    const began = this.#host.clock.now();
    return this.#await(0, ms, (traffic) => traffic.ask(question, began + ms - this.#host.clock.now()));
  }

  // Called at the node with the lower name.
  accepts(link: Link): boolean {
    if (this.#link === undefined) return true;
    // The other node has no link, or has one and dialed before that: a dead one is found now.
    this.#link.check();
    return link === this.#link;
  }

  opened(link: Link): void {
    const older = this.#link;
    this.#link = link;
    link.owner = this;
    older?.cut({ why: 'the other node has opened a new link' });
    if (this.#dialing !== link) this.#dialing?.cut({ why: 'there is a link already' });
    this.#dialing = undefined;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#openedAt = this.#host.clock.now();
    this.#host.log({ level: 'info', event: 'link.opened', node: this.#name });
    const traffic = new Traffic(link, this.#host.handler, this.#host.clock);
    this.#traffic = traffic;
    this.#waiting.begin(traffic);
    this.#host.linked();
  }

  frame(frame: Frame): void {
    this.#traffic?.take(frame);
  }

  drained(): void {
    this.#traffic?.drained();
  }

  oversized(limit: number): void {
    const why = `a batch of more than ${limit} bytes fits no frame of a link: lower maxMessageSize or maxFlushBytes`;
    this.#host.refusals.note('link.too_large', { node: this.#name, why });
  }

  closed(link: Link, ending: Ending): void {
    if (link === this.#link) {
      const traffic = this.#traffic;
      this.#link = undefined;
      this.#traffic = undefined;
      // A link that breaks as soon as it is open is dialed less and less often.
      if (this.#host.clock.now() - this.#openedAt > LONGEST_PAUSE) this.#attempts = 0;
      this.#host.log({ level: 'warn', event: 'link.closed', node: this.#name, why: ending.why });
      traffic?.end();
    }
    if (link === this.#dialing) this.#dialing = undefined;
    noteRefusal(ending, this.#name, this.#host.refusals);
    this.#dialLater();
  }

  #dial(): void {
    if (this.#address === undefined || this.#link !== undefined || this.#dialing !== undefined) return;
    if (this.#pause !== undefined) return;
    const { node, secret, clock } = this.#host;
    const socket = this.#host.dial(this.#address);
    this.#dialing = new Link({ socket, role: 'dialer', node, peer: this.#name, secret, clock, owner: this });
  }

  #dialLater(): void {
    if (this.#address === undefined || this.#link !== undefined || this.#dialing !== undefined) return;
    const most = Math.min(FIRST_PAUSE * 2 ** this.#attempts, LONGEST_PAUSE);
    this.#attempts = Math.min(this.#attempts + 1, 10);
    this.#pause?.cancel();
    this.#pause = this.#host.clock.after((most * (1 + Math.random())) / 2, () => {
      this.#pause = undefined;
      this.#dial();
    });
  }

  #await<T>(bytes: number, ms: number, begin: (traffic: Traffic) => Promise<T>): Promise<T> {
    this.#dial();
    return this.#waiting.add(bytes, ms, begin);
  }
}

/** Logs why a connection was refused, unless it is one of two that were opened at the same time. */
export function noteRefusal({ why, refusal, fault }: Ending, node: string, refusals: RefusalNotes): void {
  const cause = refusal ?? fault;
  if (cause === undefined || cause === 'duplicate') return;
  refusals.note('link.refused', { cause, why, ...(node !== '' && { node }) });
}
