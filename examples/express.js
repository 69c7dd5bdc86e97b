// Bayeux inside an Express app: npm install bayeuxd express && node express.js
import { createServer } from 'node:http';
import { attachWebSocket, bayeux, Server } from 'bayeuxd';
import express from 'express';

const server = new Server();
const app = express();
app.use('/bayeux', bayeux(server));
const http = createServer(app);
attachWebSocket(http, '/bayeux', server);

app.post('/news', express.json(), async (request, response) => {
  await server.publish('/news', request.body);
  response.json({ published: true });
});

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Bayeux on http://127.0.0.1:${http.address().port}/bayeux`);
});
