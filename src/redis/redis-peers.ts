import { linkAddress } from '../cluster/address.ts';
import type { LinkedPeers, LinkSide } from '../cluster/linked-peers.ts';
import type { Clock } from '../lib/clock.ts';
import { parsed } from '../lib/parsed.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import type { Forwarder, PeerHandler, Peers } from '../ports/peers.ts';
import { isObject } from '../protocol/message.ts';
import type { MailboxQuestions } from './mailbox-questions.ts';
import type { PipedPeers } from './piped-peers.ts';
import type { Beat, Lease } from './scripts/beat.ts';

/** How long a node that starts waits until it reaches the others. Milliseconds. */
const STARTING = 1_000;

/** Longest time between two beats after which the leases of other nodes count. Milliseconds. */
const LATE = 2_000;

/** In this time each node renews its lease after Redis was away, or lost all. Milliseconds. */
const RETURNING = 2_500;

/** What the peers are made with. */
export interface RedisPeersInit {
  readonly clock: Clock;
  readonly questions: MailboxQuestions;
  readonly pipes: PipedPeers;
  /** If absent, this node has no links. */
  readonly links?: LinkedPeers | undefined;
}

/**
 * The other nodes on one Redis. Two nodes that both take links use a link for all that is between them. Others forward through pipes in
 * Redis, and ask by their mailboxes.
 */
export class RedisPeers implements Peers, Forwarder {
  readonly #clock: Clock;
  readonly #questions: MailboxQuestions;
  readonly #pipes: PipedPeers;
  readonly #links: LinkedPeers | undefined;
  #living: readonly string[] = [];
  #address: string | undefined;
  #birth: string | undefined;
  #lastBeat = Number.NEGATIVE_INFINITY;
  // Until then a node without a lease may come back.
  #unsureUntil = 0;

  constructor({ clock, questions, pipes, links }: RedisPeersInit) {
    this.#clock = clock;
    this.#questions = questions;
    this.#pipes = pipes;
    this.#links = links;
  }

  get forwarder(): Forwarder {
    return this;
  }

  /** Those with a lease, and those that are reached: a node that has just started, or whose lease ended while Redis was away. */
  get nodes(): readonly string[] {
    return [...new Set([...this.#living, ...(this.#links?.linked ?? []), ...this.#pipes.reached])];
  }

  /** What the other nodes have to know of this one. */
  get lease(): Pick<Lease, 'link' | 'key'> {
    return { link: this.#address, key: this.#pipes.key };
  }

  get linked(): readonly string[] | undefined {
    return this.#links?.linked;
  }

  get forwarded(): { readonly out: number; readonly in: number } {
    const [linked, piped] = [this.#links?.forwarded, this.#pipes.forwarded];
    return { out: piped.out + (linked?.out ?? 0), in: piped.in + (linked?.in ?? 0) };
  }

  serve(handler: PeerHandler): void {
    this.#questions.serve((question) => handler.answer(question));
    this.#pipes.serve(handler);
    this.#links?.serve(handler);
  }

  ask(node: string, question: PeerQuestion, ms: number): Promise<unknown> {
    return this.#links?.isLinked(node) === true
      ? this.#links.ask(node, question, ms)
      : this.#questions.ask(node, question, ms);
  }

  reaches(node: string): boolean {
    return this.#wayTo(node).reaches(node);
  }

  forward(node: string, batch: string, conduit: Conduit): Promise<void> {
    return this.#wayTo(node).forward(node, batch, conduit);
  }

  join(node: string, clientId: string, conduit: Conduit): Promise<boolean> {
    return this.#wayTo(node).join(node, clientId, conduit);
  }

  lost(conduit: Conduit): void {
    this.#links?.lost(conduit);
    this.#pipes.lost(conduit);
  }

  /** Begins to reach the others, and to be reached. Rejects with `UsageError` when the address of the links cannot be had. */
  async open(side: LinkSide): Promise<void> {
    this.#pipes.open(side);
    this.#address = await this.#links?.open(side);
  }

  /** Resolves when this node reaches each of the others, or a second has passed. */
  async whenReached(): Promise<void> {
    await Promise.all([this.#links?.whenLinked(STARTING), this.#pipes.whenReached(STARTING)]);
  }

  /** Takes what another node told this one, `age` milliseconds ago. False if this version cannot read it. */
  told(text: string, age: number): boolean {
    return this.#pipes.told(text) || this.#questions.told(text, age);
  }

  /** Learns which other nodes have a lease, after each beat. */
  beaten({ birth, isFresh, living }: Beat): void {
    const now = this.#clock.now();
    if (isFresh || birth !== this.#birth || now > this.#lastBeat + LATE) this.#unsureUntil = now + RETURNING;
    this.#birth = birth;
    this.#lastBeat = now;
    this.#living = [...living.keys()];
    const nodes = Array.from(living, ([name, lease]) => ({ name, ...told(lease) }));
    this.#links?.setNodes(nodes);
    const piped = nodes.filter(({ link, key }) => key !== undefined && !this.#isLinkable(link));
    this.#pipes.setNodes(
      piped.map(({ name }) => name),
      now >= this.#unsureUntil,
    );
  }

  /** Tells the other nodes that this one closes, and ends what goes through Redis. Then its lease can end. */
  leave(): Promise<void> {
    return this.#pipes.close();
  }

  async close(): Promise<void> {
    await this.#links?.close();
  }

  // The same for two nodes as long as both live.
  #wayTo(node: string): Forwarder {
    return this.#links?.reaches(node) === true ? this.#links : this.#pipes;
  }

  #isLinkable(link: string | undefined): boolean {
    return this.#links !== undefined && link !== undefined;
  }
}

// A later version may tell more than this one can read.
function told(lease: string): { readonly link?: string; readonly key?: string } {
  const read = parsed(lease);
  if (!isObject(read)) return {};
  const { link, key } = read;
  return {
    ...(typeof link === 'string' && linkAddress(link) !== undefined && { link }),
    ...(typeof key === 'string' && { key }),
  };
}
