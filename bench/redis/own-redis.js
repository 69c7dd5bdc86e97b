// A redis-server of its own, and three nodes on it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { redisEngine } from '../../dist/redis/redis-engine.js';

const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-bench-'));
const socket = join(folder, 'redis.sock');
const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder];
const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
await new Promise((resolve, reject) => {
  redis.on('error', reject);
  redis.stdout.on('data', (text) => String(text).includes('eady to accept connections') && resolve());
});

const client = createClient({ socket: { path: socket } });
const admin = await client.duplicate().connect();

export { admin };

export async function node(name) {
  const one = redisEngine({ client, namespace: 'bench', keep: 10_000 });
  await one.open({
    timeout: 5000,
    deliver: () => {},
    missed: (what) => console.error(name, 'missed', what),
    state: () => {},
    warn: (why) => console.error(name, why),
  });
  return one;
}

/** CPU of the Redis process and time in its scripts so far, in microseconds; calls of scripts; memory in bytes. */
export async function usage() {
  const [cpu, stats, memory] = [
    await admin.info('cpu'),
    await admin.info('commandstats'),
    await admin.info('memory'),
  ];
  const number = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    cpu: (number(cpu, /used_cpu_user:([\d.]+)/) + number(cpu, /used_cpu_sys:([\d.]+)/)) * 1e6,
    scripts: number(stats, /cmdstat_evalsha:calls=\d+,usec=(\d+)/),
    memory: number(memory, /used_memory:(\d+)/),
    calls: number(stats, /cmdstat_evalsha:calls=(\d+)/),
  };
}

export function stop() {
  admin.destroy();
  redis.kill();
  rmSync(folder, { recursive: true });
}
