// Bayeux on Node's own http server, and a page that speaks it without any library: npm install bayeuxd && node bare-http.js
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Server } from 'bayeuxd';

const server = new Server();
const page = readFileSync(new URL('bare-websocket.html', import.meta.url));

const http = createServer((request, response) => {
  if (request.url === '/') response.setHeader('Content-Type', 'text/html; charset=utf-8').end(page);
  else response.writeHead(404).end();
});
server.attach(http, { path: '/bayeux' });

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`Open http://127.0.0.1:${http.address().port}/ in two tabs`);
});
