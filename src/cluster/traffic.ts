import type { Clock, Timer } from '../lib/clock.ts';
import { isPromise, recover } from '../lib/maybe-promise.ts';
import { parsed } from '../lib/parsed.ts';
import type { Conduit } from '../ports/conduit.ts';
import { type PeerQuestion, questionOf } from '../ports/peer-question.ts';
import { type PeerHandler, UnreachableError } from '../ports/peers.ts';
import { Edge } from './edge.ts';
import { type Frame, FrameError, kinds } from './frames.ts';
import type { Pipe } from './pipe.ts';
import { openingOf, RemoteConduit } from './remote-conduit.ts';

/** Requests that one node may have under way at another. Bounds the memory for a peer that misbehaves. */
const MAX_CONDUITS = 1_000_000;

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/** All that is under way on one open pipe, in both directions. It ends with the pipe. */
export class Traffic {
  readonly #pipe: Pipe;
  readonly #handler: PeerHandler;
  readonly #clock: Clock;
  // Conduits of this node that the other one serves.
  readonly #edges = new Map<number, Edge>();
  readonly #edgeOf = new Map<Conduit, Edge>();
  // Conduits of the other node that this one serves.
  readonly #remotes = new Map<number, RemoteConduit>();
  readonly #joining = new Map<number, (joined: boolean) => void>();
  readonly #asked = new Map<number, Asked>();
  #last = 0;

  constructor(pipe: Pipe, handler: PeerHandler, clock: Clock) {
    this.#pipe = pipe;
    this.#handler = handler;
    this.#clock = clock;
  }

  /** How many conduits of this node the other one serves, and the other way round. */
  get size(): { readonly out: number; readonly in: number } {
    return { out: this.#edges.size, in: this.#remotes.size };
  }

  forward(batch: string, conduit: Conduit): Promise<void> {
    return (this.#edgeOf.get(conduit) ?? this.#newEdge(conduit)).forward(batch);
  }

  join(clientId: string, conduit: Conduit): Promise<boolean> {
    const edge = this.#newEdge(conduit);
    edge.join(clientId);
    return new Promise((resolve) => this.#joining.set(edge.number, resolve));
  }

  lost(conduit: Conduit): void {
    this.#edgeOf.get(conduit)?.gone();
  }

  ask(question: PeerQuestion, ms: number): Promise<unknown> {
    const id = this.#nextId(this.#asked);
    this.#pipe.send(kinds.ask, id, JSON.stringify(question));
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(ms, () => {
        this.#asked.delete(id);
        reject(new UnreachableError(`the node ${this.#pipe.peer} did not answer in ${ms} ms`));
      });
      this.#asked.set(id, { resolve, reject, timer });
    });
  }

  /** Takes a frame. Throws `FrameError` for one that no node of this format sends. */
  take(frame: Frame): void {
    const taker = this.#takers[frame.kind];
    if (taker === undefined)
      throw new FrameError(`its kind is ${frame.kind}, which the format does not have`);
    taker(frame);
  }

  // A frame about what is over is ignored: it was on its way when that ended.
  readonly #takers: Readonly<Record<number, (frame: Frame) => void>> = {
    [kinds.request]: (frame) => this.#receive(this.#open(frame), frame.body),
    [kinds.batch]: (frame) => this.#receiveMore(frame),
    [kinds.stream]: (frame) => this.#joinStream(this.#open(frame), frame.body),
    [kinds.settled]: ({ id, head }) => this.#remotes.get(id)?.settled(head),
    [kinds.moved]: ({ id }) => this.#remotes.get(id)?.moved(),
    [kinds.large]: ({ id, head }) => this.#remotes.get(id)?.sentLarge(head),
    [kinds.gone]: ({ id }) => this.#lose(id),
    [kinds.cede]: ({ id }) => this.#withSession(id, (conduit) => conduit.session?.cede(conduit)),
    [kinds.vacate]: ({ id }) => this.#withSession(id, (conduit) => conduit.session?.vacate(conduit)),
    [kinds.send]: ({ id, head, body }) => this.#edges.get(id)?.send(head, body),
    [kinds.end]: ({ id, head }) => this.#edges.get(id)?.end(head),
    [kinds.bind]: ({ id, head }) => this.#edges.get(id)?.bind(head),
    [kinds.unbind]: ({ id }) => this.#edges.get(id)?.unbind(),
    [kinds.done]: ({ id, head }) => this.#edges.get(id)?.done(head),
    [kinds.joined]: ({ id, head }) => this.#joined(id, head === '1'),
    [kinds.ask]: ({ id, head }) => this.#answer(id, head),
    [kinds.answer]: ({ id, head, body }) => this.#answered(id, head, body),
  };

  /** There is room for more. */
  drained(): void {
    for (const conduit of this.#remotes.values()) conduit.flush();
  }

  /** The pipe is over. */
  end(): void {
    for (const [id, resolve] of this.#joining) {
      this.#joining.delete(id);
      resolve(false);
    }
    for (const edge of this.#edges.values()) edge.broken();
    for (const conduit of this.#remotes.values()) {
      conduit.lose(true);
      this.#handler.lost(conduit);
    }
    for (const { reject, timer } of this.#asked.values()) {
      timer.cancel();
      reject(new UnreachableError(`the connection to the node ${this.#pipe.peer} broke`));
    }
    this.#asked.clear();
  }

  #newEdge(conduit: Conduit): Edge {
    const edge = new Edge(conduit, this.#nextId(this.#edges), this.#pipe, this.#edgeOver);
    this.#edges.set(edge.number, edge);
    this.#edgeOf.set(conduit, edge);
    return edge;
  }

  readonly #edgeOver = (edge: Edge): void => {
    this.#edges.delete(edge.number);
    this.#edgeOf.delete(edge.conduit);
  };

  readonly #remoteOver = (conduit: RemoteConduit): void => {
    this.#remotes.delete(conduit.id);
  };

  // Numbers begin again after 4 billion: one may still be in use.
  #nextId(used: ReadonlyMap<number, unknown>): number {
    do this.#last = (this.#last + 1) >>> 0;
    while (used.has(this.#last));
    return this.#last;
  }

  #open({ id, head }: Frame): RemoteConduit {
    if (this.#remotes.has(id)) throw new FrameError('a request has a number that is in use');
    if (this.#remotes.size >= MAX_CONDUITS) throw new FrameError('too many requests are under way');
    const end = head.indexOf('\n');
    const opening = openingOf(head.slice(0, end));
    const conduit = new RemoteConduit(id, opening, head.slice(end + 1), this.#pipe, this.#remoteOver);
    this.#remotes.set(id, conduit);
    return conduit;
  }

  #receive(conduit: RemoteConduit, batch: string): void {
    const number = conduit.nextBatch();
    const received = this.#handler.receive(batch, conduit);
    if (conduit.shape !== 'socket') return;
    if (isPromise(received)) void received.then(() => this.#done(conduit, number));
    else this.#done(conduit, number);
  }

  #receiveMore({ id, head, body }: Frame): void {
    const conduit = this.#remotes.get(id);
    if (conduit === undefined) return;
    conduit.isTaken = head === '1';
    this.#receive(conduit, body);
  }

  #done(conduit: RemoteConduit, number: number): void {
    this.#pipe.send(kinds.done, conduit.id, String(number));
  }

  #joinStream(conduit: RemoteConduit, clientId: string): void {
    const joined = this.#handler.join(clientId, conduit);
    this.#pipe.send(kinds.joined, conduit.id, joined ? '1' : '');
    if (!joined) this.#remotes.delete(conduit.id);
  }

  #joined(id: number, joined: boolean): void {
    const resolve = this.#joining.get(id);
    this.#joining.delete(id);
    const edge = this.#edges.get(id);
    if (!joined && edge !== undefined) this.#edgeOver(edge);
    resolve?.(joined);
  }

  #lose(id: number): void {
    const conduit = this.#remotes.get(id);
    if (conduit === undefined) return;
    conduit.lose(conduit.shape !== 'exchange');
    this.#handler.lost(conduit);
  }

  #withSession(id: number, call: (conduit: RemoteConduit) => void): void {
    const conduit = this.#remotes.get(id);
    if (conduit !== undefined) call(conduit);
  }

  #answer(id: number, text: string): void {
    const value = parsed(text);
    if (value === undefined) throw new FrameError('a question is none that this format knows');
    const question = questionOf(value);
    if (question === undefined) {
      // A later version may ask more.
      this.#pipe.send(kinds.answer, id, '');
      return;
    }
    const tell = (answer: unknown) => this.#pipe.send(kinds.answer, id, '1', JSON.stringify(answer ?? null));
    const answered = recover(
      () => this.#handler.answer(question),
      () => {
        this.#pipe.send(kinds.answer, id, '');
        return failed;
      },
    );
    if (isPromise(answered)) void answered.then((answer) => answer !== failed && tell(answer));
    else if (answered !== failed) tell(answered);
  }

  #answered(id: number, isKnown: string, text: string): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    asked.timer.cancel();
    const answer = parsed(text);
    if (isKnown === '1' && answer !== undefined) asked.resolve(answer);
    else asked.reject(new UnreachableError(`the node ${this.#pipe.peer} failed to answer`));
  }
}

const failed = Symbol('failed');
