// Bayeux beside an Express app: npm install bayeuxd express && node express.js
import { createServer } from 'node:http';
import { Server } from 'bayeuxd';
import express from 'express';

const app = express();
const http = createServer(app);
const server = new Server();
server.attach(http, { path: '/bayeux' });

app.post('/news', express.json(), async (request, response) => {
  await server.publish('/news', request.body);
  response.json({ published: true });
});

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
