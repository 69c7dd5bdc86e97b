import { accessSync, constants, lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** What stands where a Unix socket is to be made. */
export type Obstacle = 'alive' | 'a file' | 'a directory' | 'a symbolic link' | 'no socket';

/**
 * Removes a socket on which nobody listens: a process that was killed left it behind. Says what is there instead, if something
 * else is, and leaves it alone.
 */
export async function removeStaleSocket(file: string): Promise<Obstacle | undefined> {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isSocket()) return kindOf(stats);
  if (await answers(file)) return 'alive';
  unlinkSync(file);
  return undefined;
}

/** Says what else than a socket stands where one is to be made; `EACCES` when none can be made there. Changes nothing. */
export function obstacleAt(file: string): Obstacle | 'EACCES' | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats !== undefined) return stats.isSocket() ? undefined : kindOf(stats);
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return 'EACCES'; // The folder is missing, too: Node says the same when it listens.
  }
}

function kindOf(stats: Stats): Obstacle {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a directory';
  return stats.isSymbolicLink() ? 'a symbolic link' : 'no socket';
}

// Only a refusal says that nobody listens: a socket that is busy, or not ours to use, gives other errors.
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const peer = connect(file, () => {
      peer.destroy();
      resolve(true);
    });
    peer.on('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')));
  });
}
