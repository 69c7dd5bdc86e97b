import { accessSync, constants, lstatSync, type Stats, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** The reason why a Unix socket cannot be made at a path: `alive` is a socket on which a process listens. */
export type Obstacle = 'alive' | 'a file' | 'a directory' | 'a symbolic link' | 'no socket';

/** Removes a socket on which no process listens, left by one that was killed. Leaves anything else and returns its kind. */
export async function removeStaleSocket(file: string): Promise<Obstacle | undefined> {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isSocket()) return kindOf(stats);
  if (await answers(file)) return 'alive';
  unlinkSync(file);
  return undefined;
}

/** Anything but a socket at a path; `EACCES` if no socket can be made there. Changes nothing. */
export function obstacleAt(file: string): Obstacle | 'EACCES' | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats !== undefined) return stats.isSocket() ? undefined : kindOf(stats);
  try {
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return 'EACCES'; // Also for a missing folder, as Node's error when it listens.
  }
}

function kindOf(stats: Stats): Obstacle {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a directory';
  return stats.isSymbolicLink() ? 'a symbolic link' : 'no socket';
}

// Only ECONNREFUSED proves that no process listens. A busy or forbidden socket gives other errors.
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const peer = connect(file, () => {
      peer.destroy();
      resolve(true);
    });
    peer.on('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')));
  });
}
