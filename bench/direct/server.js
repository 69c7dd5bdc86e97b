import { createServer } from 'node:http';
import { Server } from '../../dist/index.js';
import { serve } from '../servers/serve.js';

const server = new Server({
  limits: { handshakes: 0, handshakesPerAddress: 0 },
  policy: {
    canHandshake: ({ message }) => ({ allow: true, user: String(message.ext?.user) }),
    canSend: ({ to }) => to !== '',
  },
  channels: { '/service/direct': { addressed: { ttl: 60_000 } } },
  log: () => {},
});
const httpServer = createServer();
server.attach(httpServer, { path: '/bayeux' });
await server.open();
serve(httpServer, {});
