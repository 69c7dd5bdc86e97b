// One node of Faye with its engine on the Redis whose socket file is `BENCH_REDIS`, and clients in the same process.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import faye from 'faye';
import { answerBench } from '../../servers/serve.js';
import { publishAll, publishAtRate } from '../publishing.js';

const CHANNEL = '/chat/room/1';

const type = createRequire(import.meta.url)('faye-redis');
const adapter = new faye.NodeAdapter({ mount: '/bayeux', engine: { type, socket: process.env.BENCH_REDIS } });
adapter.attach(createServer());
const publisher = adapter.getClient();
const publish = (/** @type {object} */ data) => publisher.publish(CHANNEL, data);
let received = 0;

answerBench({
  open: () => publish({}),
  /** @param {number} count */
  async subscribe(count) {
    for (let at = 0; at < count; at += 1) {
      // As `getClient` does, which gives the same client each time.
      const client = new faye.Client(adapter._server);
      await client.subscribe('/chat/room/*', () => {
        received += 1;
      });
    }
  },
  received: () => received,
  publishAll: (/** @type {{ count: number, inFlight: number }} */ how) => publishAll(publish, how),
  publishAtRate: (/** @type {{ count: number, perSecond: number }} */ how) => publishAtRate(publish, how),
  close: () => {},
});
