import { type Clock, systemClock } from './lib/clock.ts';
import type { Extension } from './ports/extension.ts';
import { type ResolvedOptions, resolveOptions } from './core/options/options.ts';
import { Server as CoreServer, type ServerSettings } from './core/server.ts';
import { ack } from './features/redelivery/ack.ts';
import { activity } from './features/activity.ts';
import { binary } from './features/binary/binary.ts';
import { retained } from './features/redelivery/retained.ts';
import { timestamp } from './features/timestamp.ts';
import { timesync } from './features/timesync.ts';
import { attach, type AttachOptions, attachUpgrades } from './http/attach.ts';
import type { AnyHttpServer } from './http/dispatcher.ts';
import { bayeux, type Middleware, type MiddlewareOptions } from './http/middleware.ts';
import { heapLimit } from './lib/heap.ts';

/**
 * Sessions, channels and who hears what, with the extensions its options ask for. Knows no sockets:
 * transports bring it requests and conduits.
 */
export class Server extends CoreServer {
  /** Throws `UsageError` for an unknown option or a bad value (CF-1). */
  constructor(settings: ServerSettings = {}) {
    super(extended(settings));
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

// The core may not ask Node for its heap, so it is given all options resolved.
function extended(settings: ServerSettings): ServerSettings {
  const {
    policy: _policy,
    engine: _engine,
    history: _history,
    log: _log,
    clock,
    extensions = [],
    ...given
  } = settings;
  const options = resolveOptions(given, heapLimit());
  return { ...settings, ...options, extensions: [...standardExtensions(options, clock), ...extensions] };
}

/** The extensions that these options ask for. */
export function standardExtensions(options: ResolvedOptions, clock: Clock = systemClock): Extension[] {
  const { mode, maxInactivity } = options.activity;
  return [
    ...(options.redelivery === 'retained' ? [retained] : []),
    ...(options.ack ? [ack] : []),
    ...(options.timesync ? [timesync(clock, options.timesync.accuracy)] : []),
    ...(options.binary ? [binary] : []),
    ...(options.timestamp ? [timestamp(clock, options.timestamp)] : []),
    ...(maxInactivity > 0 ? [activity(clock, mode, maxInactivity)] : []),
  ];
}
