import { checkEventName, checkFunction } from './arguments.ts';
import type { OutgoingEvent, OverflowRule } from '../ports/outgoing-event.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise } from '../lib/maybe-promise.ts';
import type { OverflowAction } from '../ports/outbox.ts';
import type { CloseReason } from '../ports/conduit.ts';
import type { Session } from '../ports/session.ts';

/** What the application may hear with `server.on`. */
export interface ServerEvents {
  'session.opened': { readonly session: Session };
  /** Once for each session opened, whatever ended it. */
  'session.closed': { readonly session: Session; readonly reason: CloseReason };
  /** The first time a session subscribes to this pattern (SB-6). */
  'channel.subscribed': { readonly session: Session; readonly pattern: string };
  'channel.unsubscribed': { readonly session: Session; readonly pattern: string };
  /** An event was accepted for a broadcast channel; `session` is absent when no session published it. */
  published: { readonly channel: string; readonly data: unknown; readonly session?: Session };
  /**
   * An event did not fit into what waits for a session, or had waited there for too long; `rule` is there where a channel's
   * rule decided. Of what is conflated nothing is said.
   */
  overflow: {
    readonly session: Session;
    readonly event: OutgoingEvent;
    readonly action: OverflowAction;
    readonly rule?: OverflowRule;
  };
}

type Name = keyof ServerEvents;
type Listener<N extends Name> = (event: ServerEvents[N]) => void;
type Lists = { [N in Name]: Set<Listener<N>> };

/** Tells listeners, one after another, and waits for none; one that throws, now or later, is logged and harms nobody (PR-8). */
export class Events {
  /** Whether anyone listens: what nobody hears need not be made. */
  readonly hears: Record<Name, boolean>;
  readonly #log: Log;
  readonly #lists: Lists = {
    'session.opened': new Set(),
    'session.closed': new Set(),
    'channel.subscribed': new Set(),
    'channel.unsubscribed': new Set(),
    published: new Set(),
    overflow: new Set(),
  };

  constructor(log: Log) {
    this.#log = log;
    this.hears = {
      'session.opened': false,
      'session.closed': false,
      'channel.subscribed': false,
      'channel.unsubscribed': false,
      published: false,
      overflow: false,
    };
  }

  /** Adds a listener; what comes back removes it. */
  on<N extends Name>(name: N, listener: Listener<N>): () => void {
    checkEventName(name, Object.keys(this.#lists));
    checkFunction(`the listener of "${name}"`, listener, `write server.on('${name}', (event) => …)`);
    const list: Set<Listener<N>> = this.#lists[name];
    list.add(listener);
    this.hears[name] = true;
    return () => {
      list.delete(listener);
      this.hears[name] = list.size > 0;
    };
  }

  emit<N extends Name>(name: N, event: ServerEvents[N]): void {
    const list: Set<Listener<N>> = this.#lists[name];
    for (const listener of list) {
      try {
        const answer = adopt<unknown>(listener(event));
        if (isPromise(answer)) this.#hearFailure(name, answer);
      } catch (error) {
        this.#failed(name, error);
      }
    }
  }

  #hearFailure(name: Name, answer: Promise<unknown>): void {
    answer.catch((error: unknown) => this.#failed(name, error));
  }

  #failed(name: Name, error: unknown): void {
    this.#log({ level: 'error', event: 'listener.failed', name, error });
  }
}
