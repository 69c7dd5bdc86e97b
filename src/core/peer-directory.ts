import type { Directory, Groups, Lists, Rosters, Sum } from '../ports/directory.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import type { Peers } from '../ports/peers.ts';
import { isTexts } from '../lib/texts.ts';
import { askAll } from './ask-all.ts';

/** A question about the sessions of a node. */
export type DirectoryQuestion = Exclude<PeerQuestion, { readonly of: 'topic' }>;

/** Answers what another node asks, from the directory of this node. */
export function answerPeer(question: DirectoryQuestion, local: Directory): unknown {
  switch (question.of) {
    case 'sessionsOf':
      return local.sessionsOf(question.user);
    case 'members':
      return partOf(local.members(question.channel));
    case 'count':
      return partOf(local.count(question.channel));
  }
}

/** Asks all nodes, and adds up. A node that does not answer is left out. */
export class PeerDirectory implements Directory {
  readonly groups: Groups;
  readonly rosters: Rosters;
  readonly #local: Directory;
  readonly #peers: Peers;

  /** `lists`: groups and rosters that all nodes share, where there are any; else each node has its own. */
  constructor(local: Directory, peers: Peers, lists: Lists = local) {
    this.#local = local;
    this.#peers = peers;
    this.groups = lists.groups;
    this.rosters = lists.rosters;
  }

  async sessionsOf(user: string): Promise<readonly string[]> {
    const { value } = await this.#texts({ of: 'sessionsOf', user }, await this.#local.sessionsOf(user));
    return value;
  }

  async members(channel: string): Promise<Sum<readonly string[]>> {
    return this.#texts({ of: 'members', channel }, (await this.#local.members(channel)).value);
  }

  async count(channel?: string): Promise<Sum<number>> {
    const { value: here } = await this.#local.count(channel);
    const answers = await askAll(this.#peers, { of: 'count', ...(channel !== undefined && { channel }) });
    const counts = answers.filter((answer) => typeof answer === 'number');
    return {
      value: counts.reduce((sum, count) => sum + count, here),
      complete: counts.length === answers.length,
    };
  }

  async #texts(question: PeerQuestion, here: readonly string[]): Promise<Sum<readonly string[]>> {
    const answers = await askAll(this.#peers, question);
    const lists = answers.filter(isTexts);
    return { value: [...here, ...lists.flat()], complete: lists.length === answers.length };
  }
}

async function partOf<T>(sum: Sum<T> | Promise<Sum<T>>): Promise<T> {
  return (await sum).value;
}
