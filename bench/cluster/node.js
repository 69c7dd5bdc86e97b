// One node: a server, its port and its link. Driven by messages: `open`, `nodes`, `cpu`.
import { createServer } from 'node:http';
import { LinkedPeers } from '../../dist/cluster/linked-peers.js';
import { Server } from '../../dist/index.js';

const server = new Server({ log() {} });
const http = createServer();
server.attach(http, { path: '/bayeux' });
const { node, clock, log, refusals } = server;
const peers = new LinkedPeers({ node, clock, log, refusals, secret: 'of the bench', listen: '127.0.0.1:0' });
server.forwardTo(peers);

process.on('message', async (/** @type {any} */ { is, nodes }) => {
  if (is === 'open') {
    const link = await peers.open();
    await new Promise((resolve) => void http.listen(0, '127.0.0.1', () => resolve(undefined)));
    const address = http.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    process.send?.({ name: node, link, port });
  } else if (is === 'nodes') {
    peers.setNodes(nodes);
    while (peers.linked.length < nodes.length - 1) await new Promise((resolve) => setTimeout(resolve, 10));
    process.send?.({});
  } else process.send?.(process.cpuUsage());
});
