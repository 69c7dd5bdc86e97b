import { createServer } from 'node:http';
import express from 'express';
import { health } from '../../src/http/health.ts';
import { api } from '../../src/http/api/api.ts';
import { bayeux } from '../../src/http/middleware.ts';
import { Server } from '../../src/index.ts';

/** The key the commands of the documentation know as `$KEY`. */
export const key = 'a-key-for-the-docs';

/** What `npm start` serves, at this port. */
export async function startReference(port: number): Promise<void> {
  const server = new Server();
  const app = express().use(health(server));
  app.use('/bayeux', bayeux(server));
  app.use('/api', api(server, { key }));
  const http = createServer(app);
  server.attachUpgrades(http, { path: '/bayeux' });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
}
