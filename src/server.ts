import { type Clock, systemClock } from './lib/clock.ts';
import { type Log, silent, unfailing } from './lib/log.ts';
import { MemoryEngine } from './core/memory-engine.ts';
import { resolveOptions } from './core/options/options.ts';
import { ChannelRules } from './core/options/rules.ts';
import type { ServerOptions } from './core/options/server-options.ts';
import { Server as CoreServer, type ServerInit, type Usage } from './core/server.ts';
import { activity } from './features/activity.ts';
import { binary } from './features/binary/binary.ts';
import { dataSchema } from './features/data-schema.ts';
import { dedupe } from './features/dedupe.ts';
import { HistoryFeature } from './features/history/feature.ts';
import { MemoryHistory } from './features/history/memory-history.ts';
import { ack } from './features/redelivery/ack.ts';
import { retained } from './features/redelivery/retained.ts';
import { Revalidation } from './features/revalidation.ts';
import { Tabs } from './features/tabs.ts';
import { timestamp } from './features/timestamp.ts';
import { timesync } from './features/timesync.ts';
import { attach, type AttachOptions, attachUpgrades } from './http/attach.ts';
import type { AnyHttpServer } from './http/dispatcher.ts';
import { bayeux, type Middleware, type MiddlewareOptions } from './http/middleware.ts';
import { heapLimit } from './lib/heap.ts';
import type { Engine } from './ports/engine.ts';
import type { Feature } from './ports/feature.ts';
import type { HistoryStore } from './ports/history-store.ts';
import type { Policy } from './ports/policy.ts';
import type { Extension } from './ports/session.ts';

/** What a server is made with: its options, and the parts that can be exchanged. */
export interface ServerSettings extends ServerOptions {
  readonly policy?: Policy;
  readonly extensions?: readonly Extension[];
  readonly engine?: Engine;
  /** Where durable channels are kept; in memory if absent. */
  readonly history?: HistoryStore;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A Bayeux server, with the features its options ask for. */
export class Server extends CoreServer {
  readonly #tabs: Tabs;

  /** Throws `UsageError` for an unknown option or a bad value (CF-1). */
  constructor(settings: ServerSettings = {}) {
    const init = initOf(settings);
    super(init);
    this.#tabs = init.tabs;
  }

  /** How much is in use of what clients make grow: nothing of it remains when the last session has gone. */
  override get usage(): Usage & { readonly browsers: number } {
    return { ...super.usage, browsers: this.#tabs.size };
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

function initOf(settings: ServerSettings): ServerInit & { readonly tabs: Tabs } {
  const { policy, extensions = [], engine, history, clock = systemClock, log, ...given } = settings;
  const options = resolveOptions(given, heapLimit());
  const parts = {
    options,
    rules: new ChannelRules(options.channels, options.replay),
    clock,
    log: log === undefined ? silent : unfailing(log),
  };
  const tabs = new Tabs(options);
  return {
    ...parts,
    tabs,
    features: [...standardFeatures(parts, history), tabs],
    extensions,
    engine: engine ?? new MemoryEngine(),
    ...(policy !== undefined && { policy }),
  };
}

/** The features that the options ask for: a line each. */
export function standardFeatures(
  { options, rules, clock, log }: Pick<ServerInit, 'options' | 'rules' | 'clock' | 'log'>,
  store: HistoryStore | undefined,
): Feature[] {
  const { mode, maxInactivity } = options.activity;
  const features: (Feature | false)[] = [
    options.revalidateEvery > 0 && new Revalidation({ options, clock, log }),
    options.ack && ack,
    options.redelivery === 'retained' && retained(options),
    options.timesync !== false && timesync(clock, options.timesync.accuracy),
    options.binary && binary,
    options.timestamp !== false && timestamp(clock, options.timestamp),
    maxInactivity > 0 && activity(clock, mode, maxInactivity),
    options.dedupe !== false && dedupe(clock, options.dedupe),
    rules.hasSchema && dataSchema(rules),
    rules.hasHistory &&
      new HistoryFeature({ ...options, store: store ?? new MemoryHistory(), rules, clock, log }),
  ];
  return features.filter((feature) => feature !== false);
}
