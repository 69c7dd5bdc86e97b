// A support chat on cometd-nodejs-server: npm install cometd-nodejs-server express && node before.js
import { createServer } from 'node:http';
import cometd from 'cometd-nodejs-server';
import express from 'express';

const users = new Map([
  ['token-of-ann', 'ann'],
  ['token-of-bob', 'bob'],
]);
const names = new Map();
const cometdServer = cometd.createCometDServer({ timeout: 20_000, maxInterval: 15_000 });

cometdServer.policy = {
  canHandshake(session, message, callback) {
    const user = users.get(message.ext?.token);
    if (user !== undefined) names.set(session.id, user);
    callback(undefined, user !== undefined);
  },
  canPublish: (_session, _message, channel, callback) => callback(undefined, channel.name !== '/news'),
};

cometdServer.addListener('sessionAdded', (session) => console.log(`${names.get(session.id)} came`));
cometdServer.addListener('sessionRemoved', (session, timeout) => {
  console.log(`${names.get(session.id)} went: ${timeout ? 'timeout' : 'disconnect'}`);
  names.delete(session.id);
});
cometdServer.addListener('subscribed', (channel, session) =>
  console.log(`${names.get(session.id)} subscribed to ${channel.name}`),
);

// Filters data: the listener changes the message before subscribers get it, or drops it.
cometdServer.createServerChannel('/chat/*').addListener('message', (session, _channel, message, callback) => {
  if (typeof message.data?.text !== 'string') return callback(undefined, false);
  message.data = { text: message.data.text.replaceAll('darn', '****'), from: names.get(session.id) };
  callback();
});

// Answers the one who asked.
cometdServer
  .createServerChannel('/service/who')
  .addListener('message', (session, channel, _message, callback) => {
    session.deliver(null, channel.name, { names: [...names.values()].sort() });
    callback();
  });

const news = cometdServer.createServerChannel('/news');
const app = express();
app.post('/news', express.json(), (request, response) => {
  news.publish(null, request.body, () => response.json({ published: true }));
});
app.use('/bayeux', cometdServer.handle);

const http = createServer(app);
http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
