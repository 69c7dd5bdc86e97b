// Alerts by region, on Faye: npm install faye express && node before.js
import { createServer } from 'node:http';
import express from 'express';
import faye from 'faye';
import { auth } from './auth.js';

const bayeux = new faye.NodeAdapter({ mount: '/bayeux', timeout: 30 });
bayeux.addExtension(auth);

let clients = 0;
bayeux.on('handshake', () => {
  clients += 1;
  console.log(`came, ${clients} now`);
});
bayeux.on('subscribe', (_clientId, channel) => console.log(`subscribed to ${channel}`));
bayeux.on('unsubscribe', (_clientId, channel) => console.log(`unsubscribed from ${channel}`));
bayeux.on('publish', (_clientId, channel, data) => console.log(`published on ${channel}: ${data.text}`));
bayeux.on('disconnect', () => {
  clients -= 1;
  console.log(`went, ${clients} now`);
});

// The client in the server meets the extensions of the server too.
const own = bayeux.getClient();
own.addExtension({
  outgoing(message, callback) {
    if (message.channel.startsWith('/alerts/')) message.ext = { ...message.ext, password: 'open-sesame' };
    callback(message);
  },
});
await own.subscribe('/questions', ({ text }) =>
  own.publish('/answers', { text: `${text} Ask a neighbour.` }),
);

const app = express();
app.post('/alerts/:region', express.json(), async (request, response) => {
  await own.publish(`/alerts/${request.params.region}`, request.body);
  response.json({ published: true });
});

const http = createServer(app);
bayeux.attach(http);

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
