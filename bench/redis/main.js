// What a publish costs Redis: one publisher and three nodes that want its channel, at so many publishes in flight, without and with
// 10,000 patterns of other channels. Prints CPU of the Redis process and the time in its scripts, for each publish.
// Run: npm run bench:redis [publishes]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { OutgoingEvent } from '../../dist/ports/outgoing-event.js';
import { redisEngine } from '../../dist/redis/redis-engine.js';

const COUNT = Number(process.argv[2] ?? 50_000);
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

async function node(name) {
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

async function usage() {
  const [cpu, stats] = [await admin.info('cpu'), await admin.info('commandstats')];
  const number = (text, pattern) => Number(pattern.exec(text)?.[1] ?? 0);
  return {
    cpu: (number(cpu, /used_cpu_user:([\d.]+)/) + number(cpu, /used_cpu_sys:([\d.]+)/)) * 1e6,
    scripts: number(stats, /cmdstat_evalsha:calls=\d+,usec=(\d+)/),
    calls: number(stats, /cmdstat_evalsha:calls=(\d+)/),
  };
}

async function run(publisher, inFlight) {
  const before = await usage();
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < COUNT) {
      next += 1;
      const data = {
        text: 'a message of about a hundred bytes, which is what people write to each other',
        at: next,
      };
      await publisher.publish({ event: new OutgoingEvent({ channel: '/chat/room/1', data }) });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - began) / 1000;
  const after = await usage();
  const each = (key) => ((after[key] - before[key]) / COUNT).toFixed(1);
  const batch = (COUNT / (after.calls - before.calls)).toFixed(1);
  return { inFlight, cpu: each('cpu'), scripts: each('scripts'), batch, rate: Math.round(COUNT / seconds) };
}

try {
  const nodes = [await node('a'), await node('b'), await node('c')];
  const [publisher] = nodes;
  await Promise.all(nodes.map((one) => one.interest('/chat/room/*', true)));
  await run(publisher, 32);
  console.log(
    'in flight | other patterns | us CPU of Redis | us in scripts | publishes a batch | publishes/s',
  );
  for (const others of [0, 10_000]) {
    if (others > 0) {
      await Promise.all(
        Array.from({ length: others }, (_, at) => nodes[at % 3].interest(`/chat/other/${at}/*`, true)),
      );
    }
    for (const inFlight of [32, 8, 1]) {
      const { cpu, scripts, batch, rate } = await run(publisher, inFlight);
      console.log([inFlight, others, cpu, scripts, batch, rate].join(' | '));
    }
  }
  for (const one of nodes) await one.close();
} finally {
  admin.destroy();
  redis.kill();
  rmSync(folder, { recursive: true });
}
