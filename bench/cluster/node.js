// One node: a server, its port and its link; with the URL of a Redis as its argument, no link. Driven by messages: `open`, `nodes`, `cpu`.
import { createServer } from 'node:http';
import { LinkedPeers } from '../../dist/cluster/linked-peers.js';
import { MemoryEngine, Server } from '../../dist/index.js';
import { systemClock } from '../../dist/lib/clock.js';
import { redisEngine } from '../../dist/redis/redis-engine.js';

/** The engine of a single node, and links. */
class LinkedEngine extends MemoryEngine {
  links = new LinkedPeers({
    node: this.node,
    clock: systemClock,
    settings: { listen: '127.0.0.1:0', secret: 'of the bench' },
  });
  address = '';
  peers = {
    nodes: [],
    ask: async () => undefined,
    serve: (/** @type {import('../../dist/index.js').PeerHandler} */ handler) => this.links.serve(handler),
    forwarder: this.links,
  };

  /** @param {import('../../dist/index.js').NodeSide} side */
  async open(side) {
    await super.open(side);
    this.address = await this.links.open(side);
  }
}

const [url] = process.argv.slice(2);
const linked = new LinkedEngine();
const engine = url === undefined ? linked : redisEngine({ url });
const server = new Server({ engine, log() {} });
const http = createServer();
server.attach(http, { path: '/bayeux' });

process.on('message', async (/** @type {any} */ { is, nodes }) => {
  if (is === 'open') {
    await server.open();
    await new Promise((resolve) => void http.listen(0, '127.0.0.1', () => resolve(undefined)));
    const address = http.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    process.send?.({ name: server.node, link: linked.address, port });
  } else if (is === 'nodes') {
    linked.links.setNodes(nodes);
    while (linked.links.linked.length < nodes.length - 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    process.send?.({});
  } else process.send?.(process.cpuUsage());
});
