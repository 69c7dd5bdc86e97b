import { Server as NetServer } from 'node:net';
import { Server } from '../core/server.ts';
import { checkNames, member } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';

// Each error says what to write instead. TypeScript finds most of these mistakes, JavaScript none.

/** Throws `UsageError` unless this is an HTTP server of Node. */
export function checkHttpServer(value: unknown, usage: string): void {
  if (isHttpServer(value)) return;
  if (isHttpServer(member(value, 'server')))
    throw new UsageError(`this is an app, not its http.Server: give app.server, and ${usage}`);
  if (typeof member(value, 'listen') === 'function')
    throw new UsageError(
      `this is an app, not an http.Server: make one with httpServer = createServer(app), and ${usage}`,
    );
  if (typeof value === 'string' || typeof member(value, 'path') === 'string')
    throw new UsageError(`the http.Server comes first, then the path: ${usage}`);
  throw new UsageError(`an http.Server is needed, got ${shown(value)}: ${usage}`);
}

/** Throws `UsageError` unless `options` is an object with a `path` at most. */
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
export function checkServer(value: unknown, usage: string): void {
  if (value instanceof Server) return;
  const isApp = typeof member(value, 'listen') === 'function';
  const got = isApp ? 'an app or an http.Server' : shown(value);
  throw new UsageError(`a bayeuxd server is needed, got ${got}: ${usage}`);
}

function isPath(text: string): boolean {
  return /^\/[^?#\s]*$/.test(text);
}

// A plain TCP server has no `setTimeout`.
function isHttpServer(value: unknown): boolean {
  return value instanceof NetServer && 'setTimeout' in value;
}
