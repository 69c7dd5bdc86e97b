import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { link } from './wire.js';

/** Whether this machine can pin a process to one core. */
export const canPin =
  process.platform === 'linux' &&
  availableParallelism() > 1 &&
  spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;

/**
 * @typedef {object} Child
 * @property {number} pid
 * @property {(name: string, value?: unknown) => Promise<any>} ask
 * @property {() => Promise<void>} stop
 */

/**
 * Pins the main thread of a process to one core, and its other threads, which collect garbage and check signatures, to another.
 * On the core of the main thread they would interrupt it for milliseconds, since it cannot move.
 *
 * @param {number} pid
 * @param {{ main: number, others: number }} cores
 */
export function pinThreads(pid, { main, others }) {
  if (!canPin) return;
  spawnSync('taskset', ['-apc', String(others), String(pid)], { stdio: 'ignore' });
  spawnSync('taskset', ['-pc', String(main), String(pid)], { stdio: 'ignore' });
}

/**
 * Starts a script of this folder in its own process, pinned to a core if possible.
 *
 * @param {string} script Relative to this folder.
 * @param {number | undefined} core Undefined pins nothing.
 * @param {Record<string, (value: any) => unknown>} [handlers] Answers to the questions of the child.
 * @param {Record<string, string>} [env]
 * @returns {Child}
 */
export function startChild(script, core, handlers, env) {
  const node = [process.execPath, '--expose-gc', fileURLToPath(new URL(script, import.meta.url))];
  const isPinned = canPin && core !== undefined;
  const [command, ...args] = isPinned ? ['taskset', '-c', String(core), ...node] : node;
  const child = spawn(/** @type {string} */ (command), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  const { ask } = link(child, handlers);
  return {
    pid: child.pid ?? 0,
    ask,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
