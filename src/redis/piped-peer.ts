import type { Frame } from '../cluster/frames.ts';
import type { Ending } from '../cluster/link.ts';
import { noteRefusal } from '../cluster/peer.ts';
import { Traffic } from '../cluster/traffic.ts';
import { WaitingLine } from '../cluster/waiting-line.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { PeerHandler } from '../ports/peers.ts';
import type { RefusalNotes } from '../ports/refusal-notes.ts';
import { backoff } from './connection/backoff.ts';
import type { PipeText } from './pipe-text.ts';
import { type PipeOwner, RedisPipe } from './redis-pipe.ts';
import type { NodeKeys } from './seal.ts';
import type { Told } from './redis-node.ts';

/** How long something waits for a pipe. Milliseconds. */
const PATIENCE = 5_000;

/** A pipe that lasted for so long broke for a reason of its own. Milliseconds. */
const LASTING = 2_000;

/** What a peer needs of its node. */
export interface PipeHost {
  readonly node: string;
  readonly keys: NodeKeys;
  readonly clock: Clock;
  readonly log: Log;
  readonly refusals: RefusalNotes;
  readonly handler: PeerHandler;
  tell(node: string, text: PipeText): Promise<Told>;
  /** There is a pipe to a node now. */
  reached(): void;
}

/** Another node: the pipe to it, and what waits for one. */
export class PipedPeer implements PipeOwner {
  readonly #name: string;
  readonly #host: PipeHost;
  readonly #waiting: WaitingLine;
  /** When it was first heard of. */
  readonly since: number;
  /** Whether it had a lease once. */
  isListed = false;
  #pipe: RedisPipe | undefined;
  #traffic: Traffic | undefined;
  #pause: Timer | undefined;
  #failures = 0;
  #openedAt = 0;
  #hasLeft = false;

  constructor(name: string, host: PipeHost) {
    this.#name = name;
    this.#host = host;
    this.since = host.clock.now();
    this.#waiting = new WaitingLine(name, host.clock, 'it could not be told anything through Redis');
  }

  get isReached(): boolean {
    return this.#traffic !== undefined;
  }

  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  get isBusy(): boolean {
    const { out, in: incoming } = this.#traffic?.size ?? { out: 0, in: 0 };
    return out + incoming > 0;
  }

  /** The node has a lease: a pipe to it is wanted. */
  join(): void {
    this.isListed = true;
    this.#begin();
  }

  /** The node has no lease any more. */
  leave(why = `the node ${this.#name} has left`): void {
    this.#hasLeft = true;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#pipe?.cut({ why });
    this.#waiting.fail(why);
  }

  /** This node closes. Resolves when all was sent. */
  async close(): Promise<void> {
    this.#hasLeft = true;
    this.#pause?.cancel();
    const pipe = this.#pipe;
    await pipe?.whenSent();
    pipe?.cut({ why: 'this node closes' }, true);
    this.#waiting.fail('this node closes');
  }

  told(text: PipeText): void {
    if (text.is === 'open') this.#meet(text.own, text.key);
    else if (text.is === 'close') this.#closed(text.other, text.isLeaving);
    else if (this.#pipe?.id === text.other) this.#pipe.take(text);
    // It has not heard yet that the pipe is over.
    else this.#host.tell(this.#name, { is: 'close', other: text.own, isLeaving: false }).catch(() => {});
  }

  forward(batch: string, conduit: Conduit): Promise<void> {
    if (this.#traffic !== undefined) return this.#traffic.forward(batch, conduit);
    return this.#await(batch.length, async (traffic) => {
      if (conduit.alive) await traffic.forward(batch, conduit);
    });
  }

  joinStream(clientId: string, conduit: Conduit): Promise<boolean> {
    if (this.#traffic !== undefined) return this.#traffic.join(clientId, conduit);
    return this.#await(clientId.length, async (traffic) =>
      conduit.alive ? traffic.join(clientId, conduit) : false,
    );
  }

  lost(conduit: Conduit): void {
    this.#traffic?.lost(conduit);
  }

  opened(pipe: RedisPipe): void {
    this.#openedAt = this.#host.clock.now();
    this.#host.log({ level: 'info', event: 'link.opened', node: this.#name, through: 'redis' });
    const traffic = new Traffic(pipe, this.#host.handler, this.#host.clock);
    this.#traffic = traffic;
    this.#waiting.begin(traffic);
    this.#host.reached();
  }

  frame(frame: Frame): void {
    this.#traffic?.take(frame);
  }

  drained(): void {
    this.#traffic?.drained();
  }

  oversized(limit: number): void {
    const why = `a batch of more than ${limit} bytes is not forwarded through Redis: lower maxMessageSize or maxFlushBytes, or set cluster.listen`;
    this.#host.refusals.note('link.too_large', { node: this.#name, why });
  }

  closed(pipe: RedisPipe, ending: Ending): void {
    if (pipe !== this.#pipe) return;
    const traffic = this.#traffic;
    this.#pipe = undefined;
    this.#traffic = undefined;
    if (traffic !== undefined) {
      if (this.#host.clock.now() - this.#openedAt > LASTING) this.#failures = 0;
      const { why } = ending;
      this.#host.log({ level: 'warn', event: 'link.closed', node: this.#name, through: 'redis', why });
      traffic.end();
    }
    noteRefusal(ending, this.#name, this.#host.refusals);
    this.#beginLater();
  }

  #begin(): void {
    if (this.#pipe !== undefined || this.#pause !== undefined || this.#hasLeft) return;
    this.#pipe = this.#newPipe();
    this.#pipe.begin();
  }

  #beginLater(): void {
    if (this.#hasLeft) return;
    this.#failures += 1;
    this.#pause?.cancel();
    this.#pause = this.#host.clock.after(backoff(this.#failures, Math.random()), () => {
      this.#pause = undefined;
      this.#begin();
    });
  }

  #meet(other: string, key: string): void {
    if (this.#pipe?.other === other) return;
    if (this.#pipe?.isOpening !== true) {
      this.#pipe?.ended({ why: 'the other node has begun a new pipe' });
      this.#pause?.cancel();
      this.#pause = undefined;
      this.#hasLeft = false;
      this.#pipe = this.#newPipe();
    }
    this.#pipe.meet(other, key);
  }

  #closed(id: string, isLeaving: boolean): void {
    if (this.#pipe?.id !== id) return;
    if (isLeaving) this.#hasLeft = true;
    this.#pipe.ended({ why: isLeaving ? 'the other node closes' : 'the other node has ended the pipe' });
    if (isLeaving) this.#waiting.fail('it closes');
  }

  #newPipe(): RedisPipe {
    const { node, keys, clock } = this.#host;
    const tell = (text: PipeText) => this.#host.tell(this.#name, text);
    return new RedisPipe({ node, peer: this.#name, keys, clock, tell, owner: this });
  }

  #await<T>(bytes: number, begin: (traffic: Traffic) => Promise<T>): Promise<T> {
    this.#begin();
    return this.#waiting.add(bytes, PATIENCE, begin);
  }
}
