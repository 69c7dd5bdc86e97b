import type { Server } from './options.ts';
import { UsageError } from '../lib/usage-error.ts';

interface Note {
  readonly path: string;
}

/** The paths of a server: for requests, and for upgrades. */
interface Mounts {
  readonly requests: Set<Note>;
  readonly upgrades: Set<Note>;
}

const mounts = new WeakMap<Server, Mounts>();

/**
 * Notes a mount of a request handler. Throws `UsageError` when WebSockets are accepted on other paths, since
 * clients derive one address from the other.
 */
export function noteMount(server: Server, path: string): void {
  const known = mountsOf(server);
  const note = { path: normal(path) };
  compare(note, known.upgrades, () => mismatch(new Set([note]), known.upgrades));
  known.requests.add(note);
}

/** Notes a path for WebSockets; the returned function forgets it. Throws `UsageError` when requests come in on other paths. */
export function noteUpgrades(server: Server, path: string): () => void {
  const known = mountsOf(server);
  const note = { path: normal(path) };
  compare(note, known.requests, () => mismatch(known.requests, new Set([note])));
  known.upgrades.add(note);
  return () => void known.upgrades.delete(note);
}

function mountsOf(server: Server): Mounts {
  const known = mounts.get(server) ?? { requests: new Set(), upgrades: new Set() };
  mounts.set(server, known);
  return known;
}

function compare({ path }: Note, known: ReadonlySet<Note>, error: () => UsageError): void {
  if (known.size > 0 && ![...known].some((note) => note.path === path)) throw error();
}

function mismatch(requests: ReadonlySet<Note>, upgrades: ReadonlySet<Note>): UsageError {
  return new UsageError(
    `the handler is mounted on ${quoted(requests)}, but WebSockets are accepted on ${quoted(upgrades)}: use one path for both`,
  );
}

function quoted(notes: ReadonlySet<Note>): string {
  return [...new Set([...notes].map(({ path }) => `"${path}"`))].join(' and ');
}

// Express ignores case and a trailing slash.
function normal(path: string): string {
  return path.replace(/\/+$/, '').toLowerCase() || '/';
}
