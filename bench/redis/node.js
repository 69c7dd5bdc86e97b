// One node: a server on the Redis whose socket file is `BENCH_REDIS`, and sessions in the same process.
import { createClient } from '@redis/client';
import { Server } from '../../dist/index.js';
import { redisEngine } from '../../dist/redis/redis-engine.js';
import { answerBench } from '../servers/serve.js';
import { publishAll, publishAtRate } from './publishing.js';

const CHANNEL = '/chat/room/1';
/** Patterns of one session. */
const PER_SESSION = 500;

const client = createClient({ socket: { path: String(process.env.BENCH_REDIS), tls: false } });
const server = new Server({
  engine: redisEngine({ client, namespace: 'bench', keep: 10_000 }),
  log: ({ level, event, why }) => level === 'warn' && console.error(event, why),
});
const publish = (/** @type {object} */ data) => server.publish(CHANNEL, data);
let received = 0;

answerBench({
  open: () => server.open(),
  /** @param {number} count */
  async subscribe(count) {
    for (let at = 0; at < count; at += 1) {
      const session = await server.localSession();
      await session.subscribe('/chat/room/*', () => {
        received += 1;
      });
      // Nothing of this waits for input: the heartbeat has to have its turn.
      if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  },
  /** So many patterns that nothing is published to. @param {{ from: number, count: number }} which */
  async others({ from, count }) {
    for (let at = from; at < from + count; at += PER_SESSION) {
      const session = await server.localSession();
      const numbers = Array.from({ length: Math.min(PER_SESSION, from + count - at) }, (_, one) => at + one);
      await Promise.all(numbers.map((number) => session.subscribe(`/chat/other/${number}/*`, () => {})));
    }
  },
  received: () => received,
  publishAll: (/** @type {{ count: number, inFlight: number }} */ how) => publishAll(publish, how),
  publishAtRate: (/** @type {{ count: number, perSecond: number }} */ how) => publishAtRate(publish, how),
  close: () => server.close(),
});
