import { callOut } from '../callback.ts';
import type { Engine } from '../engine.ts';
import type { Events } from '../events.ts';
import type { Log } from '../log.ts';
import { adopt, type MaybePromise } from '../maybe-promise.ts';
import type { Session } from '../session.ts';
import { ChannelTree } from './channel-tree.ts';

/** Who on this node listens to what. Tells the engine which patterns somebody here wants to hear. */
export class Subscriptions {
  readonly #tree = new ChannelTree<Session>();
  readonly #engine: Engine;
  readonly #events: Events;
  readonly #log: Log;

  constructor(engine: Engine, events: Events, log: Log) {
    this.#engine = engine;
    this.#events = events;
    this.#log = log;
  }

  /** Nodes of the channel tree in use. */
  get nodes(): number {
    return this.#tree.nodes;
  }

  /** In effect at once (SB-7); resolves when events from other nodes arrive too. */
  add(session: Session, pattern: string): MaybePromise<void> {
    const first = !this.#tree.has(pattern);
    if (!this.#tree.add(pattern, session)) return;
    session.subscriptions.add(pattern);
    this.#events.emit('channel.subscribed', { session, pattern });
    if (first) return adopt(this.#engine.interest(pattern, true));
  }

  remove(session: Session, pattern: string): void {
    if (!this.#tree.remove(pattern, session)) return;
    session.subscriptions.delete(pattern);
    this.#events.emit('channel.unsubscribed', { session, pattern });
    if (!this.#tree.has(pattern)) this.#loseInterest(pattern);
  }

  removeAll(session: Session): void {
    for (const pattern of session.subscriptions) this.remove(session, pattern);
  }

  /** The sessions an event on this channel reaches, each once. Do not keep the answer. */
  match(channel: string): readonly Session[] {
    return this.#tree.match(channel);
  }

  // Nobody waits for it: what still arrives finds no subscriber.
  #loseInterest(pattern: string): void {
    callOut(
      () => this.#engine.interest(pattern, false),
      (error) => this.#log({ level: 'error', event: 'engine.interest_failed', pattern, error }),
    );
  }
}
