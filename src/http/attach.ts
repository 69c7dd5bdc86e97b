import type { Server } from './options.ts';
import { checkHttpServer, checkOptions, checkPath } from './arguments.ts';
import { type AnyHttpServer, dispatcherOf } from './dispatcher.ts';
import { noteUpgrades } from './mounts.ts';
import { router } from './router.ts';
import { bayeuxUpgrades } from './upgrade.ts';
import type { Handle } from '../transports/http.ts';

/** Where a server is attached. */
export interface AttachOptions {
  /** The server gets this path and every path below it, such as `/bayeux`. */
  readonly path: string;
}

/**
 * Serves Bayeux on a path of this HTTP server, WebSockets included, before any listener sees a request. The
 * returned function detaches the server. Throws `UsageError` when an argument is wrong or the path is taken.
 */
export function attach(server: Server, httpServer: AnyHttpServer, options: AttachOptions): () => void {
  checkArguments('attach', httpServer, options);
  return mount(server, httpServer, options.path, router(server));
}

/** As `attach`, for WebSockets alone: a handler on the same path serves the requests. */
export function attachUpgrades(
  server: Server,
  httpServer: AnyHttpServer,
  options: AttachOptions,
): () => void {
  checkArguments('attachUpgrades', httpServer, options);
  return mount(server, httpServer, options.path);
}

function checkArguments(
  name: 'attach' | 'attachUpgrades',
  httpServer: AnyHttpServer,
  options: AttachOptions,
): void {
  const usage = `write server.${name}(httpServer, { path: '/bayeux' })`;
  checkHttpServer(httpServer, usage);
  checkOptions(options, usage);
  checkPath(options.path, usage);
}

function mount(server: Server, httpServer: AnyHttpServer, path: string, requests?: Handle): () => void {
  const dispatcher = dispatcherOf(httpServer, server.clock);
  dispatcher.refuseTaken(path);
  const forget = noteUpgrades(server, path);
  const upgrades = bayeuxUpgrades(server);
  const remove = dispatcher.add(path, { server, upgrades, ...(requests && { requests }) });
  server.takeSockets();
  return () => {
    remove();
    forget();
  };
}
