import { andThen, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import { Bringing, type BringingOwner } from './bringing.ts';
import { deliveredTo, type KeptParts, messagesOf } from './kept-parts.ts';
import type { Receiver } from './receiver.ts';

/** Most bytes that one message may take for all users it is kept for. */
const MAX_BYTES = 1_048_576;

/** Messages that wait for users who are offline, in the store. The first session of a user that connects gets them (AD-7). */
export class KeptMessages implements BringingOwner {
  readonly #parts: KeptParts;
  readonly #bringing = new Map<string, Bringing>();

  constructor(parts: KeptParts) {
    this.#parts = parts;
  }

  /** For how many users a message of this size may be kept. */
  roomFor(bytes: number): number {
    return Math.floor(MAX_BYTES / bytes);
  }

  /** Whether older messages are still on their way to this session, so that a new one has to be kept to come after them. */
  isBehind(receiver: Receiver): boolean {
    const bringing = this.#bringing.get(receiver.user);
    return bringing?.receiver === receiver && bringing.isReading;
  }

  /** Stores a message for one user. The id of the record; undefined when it could not be stored, which is logged. */
  keep(user: string, json: string): MaybePromise<number | undefined> {
    return recover<number | undefined>(
      () => this.#parts.records.add(messagesOf(user), json),
      (error) => this.failed(user, error),
    );
  }

  /** These messages reached a session of the user: no other session gets them. */
  delivered(user: string, ids: readonly number[]): void {
    void recover<number | undefined>(
      () => this.#parts.records.add(deliveredTo(user), JSON.stringify(ids)),
      (error) => this.failed(user, error),
    );
  }

  /** A message was kept: if a session has connected meanwhile, it gets the message now. */
  wake(user: string): MaybePromise<void> {
    const bringing = this.#bringing.get(user);
    if (bringing !== undefined) return bringing.readOn();
    return andThen(this.#parts.connected(user), ([receiver]) => receiver && this.bring(receiver));
  }

  /** Queues the kept messages of the user to this session, unless another session is getting them. */
  bring(receiver: Receiver): MaybePromise<void> {
    const { user } = receiver;
    if (receiver.isGone || this.#bringing.has(user)) return;
    const bringing = new Bringing(receiver, this, this.#parts);
    this.#bringing.set(user, bringing);
    return bringing.readOn();
  }

  /** There may be room for more messages in the queue of this session. */
  hasRoom(receiver: Receiver): void {
    const bringing = this.#bringing.get(receiver.user);
    if (bringing?.receiver === receiver && bringing.isReading) void bringing.readOn();
  }

  /** A session has ended. If it was getting kept messages, another one gets the rest. */
  closed({ user }: Receiver): void {
    const bringing = this.#bringing.get(user);
    if (bringing?.receiver.isGone !== true) return;
    const isLeft = bringing.end();
    this.#bringing.delete(user);
    if (!isLeft) return;
    void recover<void>(
      () => this.wake(user),
      (error) => this.failed(user, error),
    );
  }

  /** All kept messages were handed over. */
  finished(bringing: Bringing): void {
    const { user } = bringing.receiver;
    if (this.#bringing.get(user) === bringing) this.#bringing.delete(user);
  }

  failed(user: string, error: unknown): undefined {
    this.#parts.log({ level: 'error', event: 'addressed.store_failed', user, error });
    return undefined;
  }
}
