import type { Server } from '../core/server.ts';
import { UsageError } from '../lib/usage-error.ts';

/** Where a server is reached, by either way in. */
interface Mounts {
  readonly requests: Set<string>;
  readonly upgrades: Set<string>;
}

const mounts = new WeakMap<Server, Mounts>();

/**
 * Notes a mount that requests come in by. Throws `UsageError` when WebSockets are accepted on other paths: clients derive one
 * address from the other.
 */
export function noteMount(server: Server, path: string): void {
  const { requests, upgrades } = mountsOf(server);
  compare(normal(path), upgrades, () => mismatch(path, [...upgrades].join('" and "')));
  requests.add(normal(path));
}

/** Notes a path on which WebSockets are accepted. Throws `UsageError` when requests come in by others. */
export function noteUpgrades(server: Server, path: string): void {
  const { requests, upgrades } = mountsOf(server);
  compare(normal(path), requests, () => mismatch([...requests].join('" and "'), path));
  upgrades.add(normal(path));
}

function mountsOf(server: Server): Mounts {
  const known = mounts.get(server) ?? { requests: new Set(), upgrades: new Set() };
  mounts.set(server, known);
  return known;
}

function compare(path: string, known: ReadonlySet<string>, error: () => UsageError): void {
  if (known.size > 0 && !known.has(path)) throw error();
}

function mismatch(requests: string, upgrades: string): UsageError {
  return new UsageError(
    `the server is mounted on "${requests}", but attachWebSocket was given "${upgrades}"`,
  );
}

// Express minds neither case nor a slash at the end.
function normal(path: string): string {
  return path.replace(/\/+$/, '').toLowerCase() || '/';
}
