import type { Clock } from '../../lib/clock.ts';
import { isTexts } from '../../lib/texts.ts';
import type { FeatureHost, PeersAbout } from '../../ports/feature.ts';
import { OutgoingEvent, type OverflowRule } from '../../ports/outgoing-event.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { type Parcel, readParcel } from './elsewhere.ts';
import type { KeptMessages } from './kept-messages.ts';
import { Message } from './message.ts';
import type { Reads } from './read-receipts.ts';
import type { Receiver } from './receiver.ts';

/** How long a message is followed until its node says for whom it is kept. Milliseconds. */
const PATIENCE = 5_000;

/** What the messages of other nodes need of this one. */
export interface ArrivalsParts {
  readonly clock: Clock;
  readonly host: Pick<FeatureHost, 'deliver'>;
  readonly peers: PeersAbout;
  readonly kept: KeptMessages | undefined;
  readonly reads: Reads;
  receiver(session: string): Receiver | undefined;
  overflowOf(channel: string): OverflowRule | undefined;
}

/** Messages that were sent on other nodes, to sessions of this one. */
export class Arrivals {
  readonly #parts: ArrivalsParts;
  // Those whose node still has to say for whom they are kept.
  readonly #followed = new Map<string, Message>();

  constructor(parts: ArrivalsParts) {
    this.#parts = parts;
  }

  /** What another node asks. Undefined for a question that is none. */
  asked({ deliver, kept, wake, read }: JsonObject): unknown {
    const parcel = readParcel(deliver);
    if (parcel !== undefined) return this.#deliver(parcel, parcel.sessions);
    if (isObject(kept)) return this.#keptFor(String(kept.message), kept.records);
    if (isTexts(wake)) return Promise.all(wake.map((user) => this.#parts.kept?.wake(user))).then(() => true);
    if (isObject(read)) this.#parts.reads.read(String(read.id), String(read.user));
    return true;
  }

  async #deliver(parcel: Parcel, sessions: readonly string[]): Promise<object> {
    const { channel, data, volatile, keeps, message: id = '', reader } = parcel;
    const { clock, host, kept, reads } = this.#parts;
    const receivers = sessions.flatMap((session) => this.#parts.receiver(session) ?? []);
    const message = new Message(id, { read: (read, user) => reads.read(read, user, reader) }, kept);
    const overflow = this.#parts.overflowOf(channel);
    const event = new OutgoingEvent(
      { channel, data },
      { volatile, overflow, ...(id !== '' && { tag: message }) },
    );
    const behind = receivers.filter((receiver) => keeps && kept?.isBehind(receiver));
    const now = receivers.filter((receiver) => !behind.includes(receiver));
    const queueTo = (receiver: Receiver) =>
      id === '' ? receiver.session.queue(event) : message.queueTo(receiver, event);
    host.deliver(
      now.map((receiver) => ({ id: receiver.session.id, queue: () => queueTo(receiver) })),
      event,
    );
    await message.settled(clock);
    const answer = {
      delivered: [...message.delivered],
      queued: [...message.queuedFor],
      behind: [...new Set(behind.map(({ user }) => user))],
    };
    if (keeps) this.#follow(id, message);
    else message.answered();
    return answer;
  }

  #follow(id: string, message: Message): void {
    this.#followed.set(id, message);
    this.#parts.clock.after(PATIENCE, () => this.#answered(id));
  }

  /** The message was kept for these users, under these ids. */
  async #keptFor(id: string, records: unknown): Promise<boolean> {
    const { kept } = this.#parts;
    const message = this.#followed.get(id);
    if (kept === undefined || !isObject(records)) return false;
    for (const [user, record] of Object.entries(records)) {
      if (typeof record !== 'number') continue;
      if (message?.delivered.has(user)) kept.delivered(user, [record]);
      else if (message?.keptAs(user, record) !== true) await kept.wake(user);
    }
    this.#answered(id);
    return true;
  }

  #answered(id: string): void {
    this.#followed.get(id)?.answered();
    this.#followed.delete(id);
  }
}
