// A server of others, in a process of its own: `node other-server.js faye|cometd` prints its port and serves until it is killed.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const start = {
  faye() {
    const { NodeAdapter } = require('faye');
    const http = createServer((_, response) => response.writeHead(404).end());
    new NodeAdapter({ mount: '/bayeux', timeout: 30 }).attach(http);
    return http;
  },
  cometd() {
    const { createCometDServer } = require('cometd-nodejs-server');
    return createServer(createCometDServer().handle);
  },
};

// What it stumbles over shows in what it answers, or does not.
process.on('unhandledRejection', () => undefined);
process.on('uncaughtException', () => undefined);
process.on('disconnect', () => process.exit());

const http = start[process.argv[2]]();
http.listen(0, '127.0.0.1', () => process.send(http.address().port));
