// A redis-server for one run.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';

/** Its URL, and the microseconds of CPU that it took so far; undefined where none is installed. */
export async function startRedis() {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-bench-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => {
    child.stdout.on(
      'data',
      (text) => String(text).includes('eady to accept connections') && resolve(undefined),
    );
  });
  const url = `redis://127.0.0.1:${port}`;
  const client = await createClient({ url }).connect();
  return {
    url,
    async cpu() {
      const info = String(await client.sendCommand(['INFO', 'cpu']));
      const seconds = (/** @type {RegExp} */ pattern) => Number(pattern.exec(info)?.[1] ?? 0);
      return (seconds(/used_cpu_user:([\d.]+)/) + seconds(/used_cpu_sys:([\d.]+)/)) * 1e6;
    },
    stop() {
      client.destroy();
      child.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
