import type { Server } from 'node:net';
import { UsageError } from '../lib/usage-error.ts';
import { removeStaleSocket } from '../lib/unix-socket.ts';
import { type LinkAddress, textOf } from './address.ts';

/**
 * Listens at an address. Resolves to it, with the port that was taken. A socket file that a killed process left is taken over. Rejects with
 * `UsageError` if the address cannot be had.
 */
export async function listenAt(server: Server, address: LinkAddress): Promise<LinkAddress> {
  const refused = (why: string, cause?: unknown) =>
    new UsageError(`cluster.listen: ${textOf(address)} ${why}`, { cause });
  try {
    if ('path' in address) {
      const obstacle = await removeStaleSocket(address.path);
      if (obstacle === 'alive')
        throw refused('is in use by another process: name another file for each node');
      if (obstacle !== undefined)
        throw refused(`is there already and is ${obstacle}: remove it, or name another file`);
    }
    await bound(server, address);
  } catch (error) {
    throw error instanceof UsageError ? error : refused(problemOf(error), error);
  }
  const taken = server.address();
  return 'path' in address || taken === null || typeof taken === 'string'
    ? address
    : { ...address, port: taken.port };
}

function bound(server: Server, address: LinkAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  switch (code) {
    case 'EADDRINUSE':
      return 'is in use by another process: name another port';
    case 'EACCES':
      return 'cannot be had: this user may not use the port, or not write to the folder of the file';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'is no address of this machine: name one that is, or 0.0.0.0 with cluster.advertise';
    default:
      return `cannot be listened on (${code})`;
  }
}
