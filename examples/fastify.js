// Bayeux beside Fastify's own routes: npm install bayeuxd fastify && node fastify.js
import { Server } from 'bayeuxd';
import { bayeuxPlugin } from 'bayeuxd/fastify';
import Fastify from 'fastify';

const server = new Server();
const app = Fastify();
await app.register(bayeuxPlugin, { server, path: '/bayeux' });

app.post('/news', async (request) => {
  await server.publish('/news', request.body);
  return { published: true };
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`Bayeux on http://127.0.0.1:${app.server.address().port}/bayeux`);
