import { createServer } from 'node:http';
import { Server } from '../../dist/index.js';
import { channelName } from '../load/publisher.js';
import { serve } from '../servers/serve.js';
import { MAX_WAITING } from './bounds.js';

const HOUR = 3_600_000;

const server = new Server({
  channels: {
    [channelName(0)]: { overflow: { action: 'dropOldest', maxEvents: MAX_WAITING } },
    [channelName(1)]: { overflow: { action: 'dropNewest', maxEvents: MAX_WAITING } },
  },
  // With the defaults, the server would end the session of a client that reads nothing within a minute.
  maxInterval: HOUR,
  websocket: { pingInterval: HOUR },
});
const httpServer = createServer();
server.attach(httpServer, { path: '/bayeux' });
await server.open();

/** Events that rules dropped, by clientId. @type {Record<string, number>} */
const dropped = {};
server.on('overflow', ({ session }) => {
  dropped[session.clientId] = (dropped[session.clientId] ?? 0) + 1;
});

serve(httpServer, {
  sample: () => ({
    rss: process.memoryUsage.rss(),
    dropped,
    waiting: Object.fromEntries([...server.sessions].map(({ clientId, outbox }) => [clientId, outbox.size])),
  }),
});
