import type { LinkedPeers, LinkSide } from '../cluster/linked-peers.ts';
import { linkAddress } from '../cluster/address.ts';
import { parsed } from '../lib/parsed.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import type { Forwarder, PeerHandler, Peers } from '../ports/peers.ts';
import { isObject } from '../protocol/message.ts';
import type { MailboxQuestions } from './mailbox-questions.ts';

/** How long a node that starts waits for links to the others. Milliseconds. */
const FIRST_LINKS = 1_000;

/** The other nodes on one Redis. They are asked over a link where there is one, and else by way of their mailboxes. */
export class RedisPeers implements Peers {
  readonly forwarder?: Forwarder;
  readonly #questions: MailboxQuestions;
  readonly #links: LinkedPeers | undefined;
  #living: readonly string[] = [];
  #address: string | undefined;

  /** `links`: if absent, this node has none, and forwards nothing. */
  constructor(questions: MailboxQuestions, links: LinkedPeers | undefined) {
    this.#questions = questions;
    this.#links = links;
    if (links !== undefined) this.forwarder = links;
  }

  /** Those with a lease, and those with a link: a node that has just started, or whose lease ended while Redis was away. */
  get nodes(): readonly string[] {
    if (this.#links === undefined) return this.#living;
    return [...new Set([...this.#living, ...this.#links.linked])];
  }

  /** Where other nodes reach the links of this one; undefined before `open`, and without links. */
  get address(): string | undefined {
    return this.#address;
  }

  get linked(): readonly string[] | undefined {
    return this.#links?.linked;
  }

  get forwarded(): { readonly out: number; readonly in: number } | undefined {
    return this.#links?.forwarded;
  }

  serve(handler: PeerHandler): void {
    this.#questions.serve((question) => handler.answer(question));
    this.#links?.serve(handler);
  }

  ask(node: string, question: PeerQuestion, ms: number): Promise<unknown> {
    return this.#links?.isLinked(node) === true
      ? this.#links.ask(node, question, ms)
      : this.#questions.ask(node, question, ms);
  }

  /** Takes links from now on. Rejects with `UsageError` when the address cannot be had. */
  async open(side: LinkSide): Promise<void> {
    this.#address = await this.#links?.open(side);
  }

  /** Resolves when there is a link to each node that takes links, or a second has passed. */
  async whenLinked(): Promise<void> {
    await this.#links?.whenLinked(FIRST_LINKS);
  }

  /** Which other nodes have a lease, and the JSON of their leases. */
  set leases(leases: ReadonlyMap<string, string>) {
    this.#living = [...leases.keys()];
    this.#links?.setNodes(Array.from(leases, ([name, lease]) => ({ name, ...linkIn(lease) })));
  }

  async close(): Promise<void> {
    await this.#links?.close();
  }
}

// A later version may tell more of its links than this one can read.
function linkIn(lease: string): { readonly link?: string } {
  const read = parsed(lease);
  const link = isObject(read) ? read.link : undefined;
  return typeof link === 'string' && linkAddress(link) !== undefined ? { link } : {};
}
