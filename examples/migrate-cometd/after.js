// The same on bayeuxd: npm install bayeuxd express && node after.js
import { createServer } from 'node:http';
import { Server } from 'bayeuxd';
import express from 'express';

const users = new Map([
  ['token-of-ann', 'ann'],
  ['token-of-bob', 'bob'],
]);

const policy = {
  canHandshake({ message }) {
    const user = users.get(message.ext?.token);
    return user !== undefined && { allow: true, user };
  },
  canPublish: ({ channel }) => channel !== '/news',
};

// Filters data: changes an event before subscribers get it, or drops it.
const filter = {
  name: 'filter',
  publishing(event, session) {
    if (!/^\/chat\/[^/]+$/.test(event.channel)) return event;
    if (typeof event.data?.text !== 'string') return undefined;
    return { ...event, data: { text: event.data.text.replaceAll('darn', '****'), from: session?.user.id } };
  },
};

const server = new Server({ timeout: 20_000, maxInterval: 15_000, policy, extensions: [filter] });

server.on('session.opened', ({ session }) => console.log(`${session.user.id} came`));
server.on('session.closed', ({ session, reason }) => console.log(`${session.user.id} went: ${reason}`));
server.on('channel.subscribed', ({ session, pattern }) =>
  console.log(`${session.user.id} subscribed to ${pattern}`),
);

// Answers the one who asked.
server.subscribe('/service/who', ({ session, channel }) => {
  const names = Array.from(server.sessions, ({ user }) => user.id).sort();
  session.deliver(channel, { names });
});

const app = express();
app.post('/news', express.json(), async (request, response) => {
  await server.publish('/news', request.body);
  response.json({ published: true });
});

const http = createServer(app);
server.attach(http, { path: '/bayeux' });
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
