import { checkEventName, checkFunction } from './arguments.ts';
import type { OutgoingEvent, OverflowRule } from '../ports/outgoing-event.ts';
import type { Log } from '../lib/log.ts';
import { adopt, isPromise } from '../lib/maybe-promise.ts';
import type { OverflowAction } from '../ports/outbox.ts';
import type { CloseReason } from '../ports/conduit.ts';
import type { Session, SessionEvents } from '../ports/session.ts';

/** The events of `server.on`, by name. */
export interface ServerEvents {
  'session.opened': { readonly session: Session };
  /** Emitted once for each opened session, whatever ended it. */
  'session.closed': { readonly session: Session; readonly reason: CloseReason };
  /** The first time a session subscribes to this pattern (SB-6). */
  'channel.subscribed': { readonly session: Session; readonly pattern: string };
  'channel.unsubscribed': { readonly session: Session; readonly pattern: string };
  /** An event was accepted for a broadcast channel; `session` is absent when no session published it. */
  published: { readonly channel: string; readonly data: unknown; readonly session?: Session };
  /**
   * An event did not fit the queue of a session, or waited too long. `rule`: the channel rule that decided,
   * if any. Not for conflation.
   */
  overflow: {
    readonly session: Session;
    readonly event: OutgoingEvent;
    readonly action: OverflowAction;
    readonly rule?: OverflowRule;
  };
}

type Listener<Event> = (event: Event) => unknown;

/** Calls listeners in order, and waits for none. If one throws or rejects, that is logged and the others are called (PR-8). */
export class Emitter<Events extends object> {
  /** Whether anyone listens. If not, the event need not be made. */
  readonly hears: Readonly<Record<keyof Events, boolean>>;
  readonly #on: string;
  readonly #log: Log;
  // By event name: each listener, with whether it is called only once.
  readonly #lists: { readonly [Name in keyof Events]: Map<Listener<Events[Name]>, boolean> };

  /** `on` is the call as error messages show it. */
  constructor(names: readonly (keyof Events & string)[], on: string, log: Log) {
    const each = <T>(value: () => T) =>
      Object.fromEntries(names.map((name) => [name, value()])) as Record<keyof Events, T>;
    this.hears = each(() => false);
    this.#lists = each(() => new Map());
    this.#on = on;
    this.#log = log;
  }

  /** Adds a listener; the returned function removes it. Throws `UsageError` for an unknown name. */
  on<Name extends keyof Events & string>(
    name: Name,
    listener: Listener<Events[Name]>,
    once = false,
  ): () => void {
    this.#check(name);
    checkFunction(`the listener of "${name}"`, listener, `write ${this.#on}('${name}', (event) => …)`);
    this.#lists[name].set(listener, once);
    this.#count(name);
    return () => this.off(name, listener);
  }

  /** Removes a listener. Throws `UsageError` for an unknown name. */
  off<Name extends keyof Events & string>(name: Name, listener: Listener<Events[Name]>): void {
    this.#check(name);
    this.#lists[name].delete(listener);
    this.#count(name);
  }

  emit<Name extends keyof Events & string>(name: Name, event: Events[Name]): void {
    for (const [listener, once] of this.#lists[name]) {
      if (once) this.off(name, listener);
      try {
        const answer = adopt<unknown>(listener(event));
        if (isPromise(answer)) this.#hearFailure(name, answer);
      } catch (error) {
        this.#failed(name, error);
      }
    }
  }

  #check(name: string): void {
    checkEventName(name, Object.keys(this.#lists), this.#on);
  }

  #count(name: keyof Events): void {
    (this.hears as Record<keyof Events, boolean>)[name] = this.#lists[name].size > 0;
  }

  #hearFailure(name: string, answer: Promise<unknown>): void {
    answer.catch((error: unknown) => this.#failed(name, error));
  }

  #failed(name: string, error: unknown): void {
    this.#log({ level: 'error', event: 'listener.failed', name, error });
  }
}

/** The events of a server, and of each of its sessions. */
export class Events extends Emitter<ServerEvents> {
  // Few sessions have listeners of their own, so this is no field of each session.
  readonly #ofSessions = new WeakMap<Session, Emitter<SessionEvents>>();
  readonly #sessionLog: Log;

  constructor(log: Log) {
    super(
      [
        ...(['session.opened', 'session.closed', 'channel.subscribed', 'channel.unsubscribed'] as const),
        ...(['published', 'overflow'] as const),
      ],
      'server.on',
      log,
    );
    this.#sessionLog = log;
  }

  /** The events of one session. */
  of(session: Session): Emitter<SessionEvents> {
    let events = this.#ofSessions.get(session);
    if (events === undefined) {
      events = new Emitter(['closed', 'subscribed', 'unsubscribed'], 'session.on', this.#sessionLog);
      this.#ofSessions.set(session, events);
    }
    return events;
  }

  closed(session: Session, reason: CloseReason): void {
    this.emit('session.closed', { session, reason });
    this.#ofSessions.get(session)?.emit('closed', { reason });
  }

  subscribed(session: Session, pattern: string): void {
    this.emit('channel.subscribed', { session, pattern });
    this.#ofSessions.get(session)?.emit('subscribed', { pattern });
  }

  unsubscribed(session: Session, pattern: string): void {
    this.emit('channel.unsubscribed', { session, pattern });
    this.#ofSessions.get(session)?.emit('unsubscribed', { pattern });
  }
}
