// A bayeuxd in a process of its own, whose memory can be measured from outside. Its settings come as JSON in the first argument.
// Nobody says whether something may be published to /slow.
import { createServer } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import { Server } from '../../dist/index.js';

const policy = { canPublish: ({ channel }) => channel !== '/slow' || new Promise(() => {}) };
const server = new Server({ ...JSON.parse(process.argv[2] ?? '{}'), policy });
const http = createServer();
server.attach(http, { path: '/bayeux' });
http.listen(0, '127.0.0.1', () => process.send({ port: http.address().port }));

process.on('message', async (asked) => {
  if (asked.publish !== undefined) await server.publish(asked.publish.channel, asked.publish.data);
  for (let again = 0; again < 3; again += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  const limit = getHeapStatistics().heap_size_limit;
  process.send({ measured: { rss, heapUsed, external, sessions: server.usage.sessions, limit } });
});
process.on('disconnect', () => process.exit());
