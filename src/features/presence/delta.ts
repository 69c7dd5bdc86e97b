import type { PresentUser, RosterChange } from '../../ports/directory.ts';
import { OutgoingEvent } from '../../ports/outgoing-event.ts';

/** Users in one page of a snapshot. */
const PAGE = 1000;

/** A change of a roster, with the event that tells of it: one for all viewers who see the same. */
export class Delta {
  readonly channel: string;
  readonly change: RosterChange;
  #full: OutgoingEvent | undefined;
  #total: OutgoingEvent | undefined;

  /** `channel`: where the change is told. */
  constructor(channel: string, change: RosterChange) {
    this.channel = channel;
    this.change = change;
  }

  get full(): OutgoingEvent {
    this.#full ??= new OutgoingEvent({ channel: this.channel, data: this.change });
    return this.#full;
  }

  get total(): OutgoingEvent {
    this.#total ??= totalEvent(this.channel, this.change.total, this.change.seq);
    return this.#total;
  }
}

/** The event that tells the number of users only. */
export function totalEvent(channel: string, total: number, seq: number): OutgoingEvent {
  return new OutgoingEvent({ channel, data: { type: 'total', total, seq } });
}

/** The events of a snapshot: one, or more if there are many users. */
export function snapshotOf(channel: string, users: readonly PresentUser[], seq: number): OutgoingEvent[] {
  const total = users.length;
  const pages = Math.max(1, Math.ceil(total / PAGE));
  return Array.from({ length: pages }, (_, at) => {
    const some = pages === 1 ? users : users.slice(at * PAGE, (at + 1) * PAGE);
    const part = pages === 1 ? {} : { page: at + 1, pages };
    return new OutgoingEvent({ channel, data: { type: 'snapshot', users: some, total, seq, ...part } });
  });
}
