// The application as a client of its own server: npm install bayeuxd && node in-process.js
import { createServer } from 'node:http';
import { Server } from 'bayeuxd';

const server = new Server();
const http = createServer();
server.attach(http, { path: '/bayeux' });

// Answers remote calls: cometd.remoteCall('sum', [1, 2], reply => …).
server.onCall('/service/sum', ({ data }) => data.reduce((sum, n) => sum + n, 0));

// Hears and publishes as any client does, without a connection.
const session = await server.localSession();
await session.subscribe('/questions', async ({ data }) => {
  await session.publish('/answers', `${data} A good question.`);
});

server.on('session.opened', ({ session: { id } }) => console.log(`${id} came`));
server.on('session.closed', ({ session: { id }, reason }) => console.log(`${id} went: ${reason}`));

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
