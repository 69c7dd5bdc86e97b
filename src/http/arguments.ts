import { Server as NetServer } from 'node:net';
import { Server } from '../core/server.ts';
import { checkNames, member } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';

// Each check says what to write instead. TypeScript refuses most of these mistakes, but JavaScript none.

/** Throws `UsageError` unless this is an HTTP server of Node. */
export function checkHttpServer(given: unknown, usage: string): void {
  if (isHttpServer(given)) return;
  if (isHttpServer(member(given, 'server')))
    throw new UsageError(`this is an app, not its http.Server: give app.server, and ${usage}`);
  if (typeof member(given, 'listen') === 'function')
    throw new UsageError(
      `this is an app, not an http.Server: make one with httpServer = createServer(app), and ${usage}`,
    );
  if (typeof given === 'string' || typeof member(given, 'path') === 'string')
    throw new UsageError(`the http.Server comes first, then the path: ${usage}`);
  throw new UsageError(`an http.Server is needed, got ${shown(given)}: ${usage}`);
}

/** Throws `UsageError` unless these are options, of which `path` is the only one. */
export function checkOptions(options: unknown, usage: string): void {
  if (typeof options !== 'object' || options === null || isHttpServer(options))
    throw new UsageError(`options with a path are needed, got ${shown(options)}: ${usage}`);
  checkNames(options, { what: 'the options', functions: [], others: ['path'] });
}

/** Throws `UsageError` unless this is the absolute path of a mount. */
export function checkPath(path: unknown, usage: string): void {
  if (typeof path !== 'string') throw new UsageError(`the path must be a text, got ${shown(path)}: ${usage}`);
  if (isPath(path)) return;
  const meant = isPath(`/${path}`) ? `write "/${path}"` : usage;
  throw new UsageError(`"${path}" is no absolute path, which begins with a slash and has no query: ${meant}`);
}

/** Throws `UsageError` unless this is a bayeuxd server. */
export function checkServer(given: unknown, usage: string): void {
  if (given instanceof Server) return;
  const isApp = typeof member(given, 'listen') === 'function';
  const got = isApp ? 'an app or an http.Server' : shown(given);
  throw new UsageError(`a bayeuxd server is needed, got ${got}: ${usage}`);
}

function isPath(text: string): boolean {
  return /^\/[^?#\s]*$/.test(text);
}

// A bare TCP server has no timeouts.
function isHttpServer(given: unknown): boolean {
  return given instanceof NetServer && 'setTimeout' in given;
}
