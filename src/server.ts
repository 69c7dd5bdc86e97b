import { type Clock, systemClock } from './lib/clock.ts';
import { consoleLog } from './lib/console-log.ts';
import { type Log, unfailing } from './lib/log.ts';
import { type Logger, logTo } from './lib/logger.ts';
import { noChannel } from './core/arguments.ts';
import { MemoryEngine } from './core/memory-engine.ts';
import { Server as CoreServer, type ServerInit, type Usage } from './core/server.ts';
import { Auth } from './features/auth/feature.ts';
import { Governor } from './features/governor/feature.ts';
import { HistoryFeature } from './features/history/feature.ts';
import { noPresence, Presence } from './features/presence/feature.ts';
import type { PresentList } from './features/presence/present-list.ts';
import { checkQuestion, noJournal } from './features/journal/feature.ts';
import type { Question } from './features/journal/facts.ts';
import type { Explanation } from './features/journal/finding.ts';
import { Journal } from './features/journal/journal.ts';
import type { HistoryPage, HistoryQuery } from './ports/history-page.ts';
import { Tabs } from './features/tabs.ts';
import { attach, type AttachOptions, attachUpgrades } from './http/attach.ts';
import type { AnyHttpServer } from './http/dispatcher.ts';
import { bayeux, type Middleware, type MiddlewareOptions } from './http/middleware.ts';
import { heapLimit } from './lib/heap.ts';
import { version } from './lib/version.ts';
import { UsageError } from './lib/usage-error.ts';
import { ChannelGrammar } from './protocol/channel.ts';
import type { Engine } from './ports/engine.ts';
import type { HistoryStore } from './ports/history-store.ts';
import type { Policy } from './ports/policy.ts';
import type { Extension } from './ports/session.ts';
import { featuresOf, serverFeatures } from './server-features.ts';
import { configOf, type ResolvedOptions } from './server-options.ts';
import type { ServerOptions } from './server-options-types.ts';
import { checkSettings } from './server-settings.ts';

/** The options of a server, and its parts that can be replaced. */
export interface ServerSettings extends ServerOptions {
  readonly policy?: Policy;
  readonly extensions?: readonly Extension[];
  readonly engine?: Engine;
  /** The store of durable channels; absent means in memory. */
  readonly history?: HistoryStore;
  readonly clock?: Clock;
  /** A function, or a logger with a function for each level, as pino makes them; warnings and errors go to the console if absent. */
  readonly log?: Log | Logger;
  /** Whether each message that comes in or goes out is logged, without its secrets, with the level `trace`. */
  readonly trace?: boolean;
}

const partNames: Record<Exclude<keyof ServerSettings, keyof ServerOptions>, true> = {
  policy: true,
  extensions: true,
  engine: true,
  history: true,
  clock: true,
  log: true,
  trace: true,
};

/**
 * A Bayeux server, with the features its options ask for. `Channels` says what the channels carry, by name or pattern:
 * `new Server<{ '/chat/*': { text: string } }>()`; without it, all data is `unknown`.
 */
export class Server<Channels extends object = Record<string, unknown>> extends CoreServer<
  ResolvedOptions,
  Channels
> {
  readonly #tabs: Tabs | undefined;
  readonly #auth: Auth | undefined;
  readonly #governor: Governor | undefined;
  readonly #history: HistoryFeature | undefined;
  readonly #presence: Presence | undefined;
  readonly #journal: Journal | undefined;

  /** Throws `UsageError` for an unknown option or a bad value (CF-1). */
  constructor(settings: ServerSettings = {}) {
    const init = initOf(settings);
    super(init);
    this.#tabs = init.features.find((feature) => feature instanceof Tabs);
    this.#auth = init.features.find((feature) => feature instanceof Auth);
    this.#governor = init.features.find((feature) => feature instanceof Governor);
    this.#history = init.features.find((feature) => feature instanceof HistoryFeature);
    this.#presence = init.features.find((feature) => feature instanceof Presence);
    this.#journal = init.features.find((feature) => feature instanceof Journal);
  }

  /** Current counts, for monitoring. All are 0 again when no session and no socket is left. */
  override get usage(): Usage & { readonly browsers: number } {
    return { ...super.usage, browsers: this.#tabs?.size ?? 0 };
  }

  /** Handshakes that wait in a queue, since more than `limits.handshakes` came. */
  get waitingHandshakes(): number {
    return this.#governor?.waiting ?? 0;
  }

  /** Memory in use for who is present, of `presence.maxBytes`. Bytes. */
  get presenceBytes(): number {
    return this.#presence?.bytes ?? 0;
  }

  /**
   * The users who are present in a channel whose rule has `presence`; `/presence/everyone` is the list of all sessions.
   * Throws `UsageError` where presence is not kept.
   */
  presence(channel: string): PresentList {
    if (this.#presence === undefined) throw noPresence(channel);
    return this.#presence.listOf(channel);
  }

  /**
   * A page of what was published to a durable channel, or to those that a pattern matches, oldest first. Undefined if no such channel
   * is durable. Throws `UsageError` for a bad channel or query, and as the history store does.
   */
  async history(channel: string, query: HistoryQuery = {}): Promise<HistoryPage | undefined> {
    if (typeof channel !== 'string')
      throw noChannel(channel, "write server.history('/chat/room', { limit: 50 })");
    if (!new ChannelGrammar(this.options).isNameOrPattern(channel))
      throw new UsageError(`"${channel}" is no channel name or pattern`);
    return this.#history?.page(channel, query);
  }

  /** Whether the option `journal` is on. */
  get hasJournal(): boolean {
    return this.#journal !== undefined;
  }

  /**
   * Tells in words what became of a publish on this node, by its `publishId`; undefined if the journal does not
   * know it any more. Throws `UsageError` without the option `journal`.
   */
  explainPublish(id: number): (Explanation & { readonly channel: string }) | undefined {
    if (this.#journal === undefined) throw noJournal();
    return this.#journal.explain(id);
  }

  /**
   * Tells in words why a session, by its public id, or a user got the events of a channel, or did not. Throws `UsageError` for a bad
   * question, and without the option `journal`.
   */
  explain(question: Question): Explanation {
    if (this.#journal === undefined) throw noJournal();
    checkQuestion(question, new ChannelGrammar(this.options));
    return this.#journal.answer(question);
  }

  /** Whether there is a key that verifies tokens. */
  get verifiesTokens(): boolean {
    return this.#auth !== undefined;
  }

  /**
   * Verifies a token as those of clients, and returns its user, and what its claim of grants says of the HTTP API, unchecked. Undefined
   * without authentication. Throws `BayeuxError` for a refused token, and when the keys cannot be fetched.
   */
  async apiClaim(
    token: string,
    address: string,
  ): Promise<{ readonly user: string; readonly api: unknown } | undefined> {
    return this.#auth?.apiClaim(token, address);
  }

  /**
   * Reads `auth.secretFile` and `auth.keyFile` again, and fetches `auth.jwks.url` again for the next token. Open sessions
   * stay until their tokens expire. Throws `UsageError` for a file without a usable key, and keeps the old keys.
   */
  reloadKeys(): void {
    this.#auth?.reloadKeys();
  }

  /**
   * Serves Bayeux on a path of an HTTP server and below it, WebSockets included. Requests for that path come
   * here before any framework, so its middleware does not see them. All other requests go on as before. The
   * returned function detaches the server. Throws `UsageError` when the path is taken.
   */
  attach(httpServer: AnyHttpServer, options: AttachOptions): () => void {
    return attach(this, httpServer, options);
  }

  /**
   * Accepts WebSockets on a path of an HTTP server, where `handler()` serves the requests. The returned
   * function ends that: no more are accepted, and open ones stay.
   */
  attachUpgrades(httpServer: AnyHttpServer, options: AttachOptions): () => void {
    return attachUpgrades(this, httpServer, options);
  }

  /**
   * Makes a request handler for Express and other frameworks; their middleware runs first. WebSockets need
   * `attachUpgrades` as well.
   */
  handler(options: MiddlewareOptions = {}): Middleware {
    return bayeux(this, options);
  }
}

function initOf(settings: ServerSettings): ServerInit<ResolvedOptions> {
  checkSettings(settings, Object.keys(partNames));
  const {
    policy,
    extensions = [],
    engine,
    history,
    clock = systemClock,
    log = consoleLog,
    trace = false,
    ...options
  } = settings;
  const config = configOf(options, heapLimit());
  const written = unfailing(typeof log === 'function' ? log : logTo(log));
  const parts = { ...config, history: engine?.history ?? history, clock, log: written, trace };
  return {
    ...parts,
    features: featuresOf(serverFeatures, parts),
    extensions,
    engine: engine ?? new MemoryEngine(),
    version: version() || undefined,
    ...(policy !== undefined && { policy }),
  };
}
