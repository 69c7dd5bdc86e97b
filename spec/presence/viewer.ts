import type { PresentUser } from '../../src/ports/directory.ts';
import type { Wire } from '../support/fake-conduit.ts';

/** What is told on a presence channel. */
export type Told =
  | {
      readonly type: 'snapshot';
      readonly users: readonly PresentUser[];
      readonly total: number;
      readonly seq: number;
      readonly page?: number;
      readonly pages?: number;
    }
  | {
      readonly type: 'join' | 'leave' | 'update';
      readonly user: PresentUser;
      readonly total: number;
      readonly seq: number;
    }
  | { readonly type: 'total'; readonly total: number; readonly seq: number };

/** The list as a client keeps it, by the rules of docs/presence.md. Throws for what no client could make sense of. */
export class ClientList {
  readonly users = new Map<string, PresentUser>();
  total = -1;
  seq = -1;
  /** The events in the order in which they came: `join ann`. */
  readonly log: string[] = [];
  // Pages of a snapshot that are still to come.
  #missing = 0;

  take(told: Told): void {
    if (told.type === 'snapshot') this.#begin(told);
    else if (told.type === 'total') this.log.push(`total ${told.total}`);
    else this.#change(told);
    this.total = told.total;
    this.seq = told.seq;
    if (told.type !== 'total' && this.#missing === 0 && this.users.size !== told.total)
      throw new Error(`${this.users.size} users, but a total of ${told.total}: ${JSON.stringify(told)}`);
  }

  #begin({ users, page = 1, pages = 1, total }: Told & { type: 'snapshot' }): void {
    if (page === 1) this.users.clear();
    else if (this.#missing !== pages - page + 1)
      throw new Error(`page ${page} of ${pages} came out of order`);
    for (const user of users) this.users.set(user.id, user);
    this.#missing = pages - page;
    this.log.push(pages > 1 ? `page ${page}` : `snapshot ${total}`);
  }

  #change({ type, user, seq }: Told & { user: PresentUser }): void {
    if (seq !== this.seq + 1) throw new Error(`${seq} came after ${this.seq}`);
    if (this.users.has(user.id) === (type === 'join')) throw new Error(`${type} of ${user.id}`);
    if (type === 'leave') this.users.delete(user.id);
    else this.users.set(user.id, user);
    this.log.push(`${type} ${user.id}`);
  }
}

/** What these messages tell on a presence channel. */
export function toldOn(channel: string, messages: readonly Wire[]): readonly Told[] {
  return messages
    .filter((one) => one.channel === channel && one.data !== undefined)
    .map(({ data }) => data as Told);
}

/** The list that results from these messages. */
export function listFrom(channel: string, messages: readonly Wire[]): ClientList {
  const list = new ClientList();
  for (const told of toldOn(channel, messages)) list.take(told);
  return list;
}
