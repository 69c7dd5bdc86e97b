// Bayeux beside Fastify's own routes: npm install bayeuxd fastify && node fastify.js
import { createServer } from 'node:http';
import { attachWebSocket, bayeux, Server } from 'bayeuxd';
import Fastify from 'fastify';

const server = new Server();
const handle = bayeux(server, { path: '/bayeux' });

const app = Fastify({
  // What is not below /bayeux goes on to Fastify.
  serverFactory: (next) => createServer((req, res) => handle(req, res, () => next(req, res))),
});
attachWebSocket(app.server, '/bayeux', server);

app.post('/news', async (request) => {
  await server.publish('/news', request.body);
  return { published: true };
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`Bayeux on http://127.0.0.1:${app.server.address().port}/bayeux`);
