// A bayeuxd in a process of its own, whose memory can be measured from outside. Its settings come as JSON in the first argument, and
// in the second what its history is made with: in a folder where there is a path.
// Nobody says whether something may be published to /slow.
import { createServer } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import { LevelHistory } from '../../dist/features/history/level/level-history.js';
import { MemoryHistory, Server } from '../../dist/index.js';

const policy = { canPublish: ({ channel }) => channel !== '/slow' || new Promise(() => {}) };
const kept = JSON.parse(process.argv[3] ?? '{}');
const history = kept.path === undefined ? new MemoryHistory(kept) : new LevelHistory(kept);
const server = new Server({ ...JSON.parse(process.argv[2] ?? '{}'), policy, history });
const http = createServer();
server.attach(http, { path: '/bayeux' });
await server.open();
http.listen(0, '127.0.0.1', () => process.send({ port: http.address().port }));

process.on('message', async (asked) => {
  if (asked.publish !== undefined) await server.publish(asked.publish.channel, asked.publish.data);
  for (const channel of channels(asked.spread ?? 0)) await server.publish(channel, 1);
  for (let again = 0; again < 3; again += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const limit = getHeapStatistics().heap_size_limit;
  process.send({ measured: { rss, heapUsed, external, sessions: server.usage.sessions, limit } });
});
process.on('disconnect', () => process.exit());

function* channels(count) {
  for (let at = 0; at < count; at += 1) yield `/d/${at % 1000}/${at}`;
}
