// The same on bayeuxd: npm install bayeuxd express && node after.js
import { createServer } from 'node:http';
import { Server } from 'bayeuxd';
import { fayeExtension } from 'bayeuxd/compat/faye';
import express from 'express';
import { auth } from './auth.js';

// Faye lets pages of every origin in. Here only those of its own origin may come, unless `origins` lists others.
const server = new Server({ timeout: 30_000, extensions: [fayeExtension(auth)] });

let clients = 0;
server.on('session.opened', () => {
  clients += 1;
  console.log(`came, ${clients} now`);
});
server.on('channel.subscribed', ({ pattern }) => console.log(`subscribed to ${pattern}`));
server.on('channel.unsubscribed', ({ pattern }) => console.log(`unsubscribed from ${pattern}`));
server.on('published', ({ channel, data }) => console.log(`published on ${channel}: ${data.text}`));
server.on('session.closed', () => {
  clients -= 1;
  console.log(`went, ${clients} now`);
});

// `server.publish` meets no extension written for Faye, so it needs no password.
const own = await server.localSession();
await own.subscribe('/questions', ({ data }) =>
  own.publish('/answers', { text: `${data.text} Ask a neighbour.` }),
);

const app = express();
app.post('/alerts/:region', express.json(), async (request, response) => {
  await server.publish(`/alerts/${request.params.region}`, request.body);
  response.json({ published: true });
});

const http = createServer(app);
server.attach(http, { path: '/bayeux' });

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
