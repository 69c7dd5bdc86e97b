import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';

/**
 * What Redis has used so far. `cpu`: microseconds of the process. `scripts`: microseconds in scripts. `calls`: of scripts. `commands`: all
 * but those of this bench, those that scripts call too. `memory`: bytes of its data.
 *
 * @typedef {{ cpu: number, scripts: number, calls: number, commands: number, memory: number }} Usage
 */

/** Starts a redis-server that keeps nothing on the disk, on a socket file. */
export async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-bench-'));
  const path = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', path, '--save', '', '--dir', folder];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.stdout.on(
      'data',
      (text) => String(text).includes('eady to accept connections') && resolve(undefined),
    );
  });
  const admin = await createClient({ socket: { path, tls: false } }).connect();
  return {
    path,
    pid: child.pid ?? 0,
    admin,
    /** @returns {Promise<Usage>} */
    async usage() {
      const [cpu, stats, memory] = [
        await admin.info('cpu'),
        await admin.info('commandstats'),
        await admin.info('memory'),
      ];
      const number = (/** @type {string} */ text, /** @type {RegExp} */ pattern) =>
        Number(pattern.exec(text)?.[1] ?? 0);
      return {
        cpu: (number(cpu, /used_cpu_user:([\d.]+)/) + number(cpu, /used_cpu_sys:([\d.]+)/)) * 1e6,
        scripts: number(stats, /cmdstat_evalsha:calls=\d+,usec=(\d+)/),
        calls: number(stats, /cmdstat_evalsha:calls=(\d+)/),
        commands: commandsIn(stats),
        memory: number(memory, /used_memory:(\d+)/),
      };
    },
    async flush() {
      await admin.flushAll();
    },
    async stop() {
      admin.destroy();
      const gone = once(child, 'exit');
      child.kill();
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

/** @param {string} stats */
function commandsIn(stats) {
  let sum = 0;
  for (const [, name, calls] of stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm))
    if (name !== 'info') sum += Number(calls);
  return sum;
}
