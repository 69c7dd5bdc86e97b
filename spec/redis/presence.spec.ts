import { createServer } from 'node:http';
import { onTestFinished } from 'vitest';
import { listening } from '../support/start.ts';
import { clientsSpecs } from '../presence/contracts/clients.ts';
import { listSpecs } from '../presence/contracts/list.ts';
import { serverSpecs } from '../presence/contracts/server.ts';
import { visibleSpecs } from '../presence/contracts/visible.ts';
import { describeWithRedis } from './cluster.ts';
import { Nodes, servePeopleOnNodes } from './people.ts';

describeWithRedis('presence on three nodes', (cluster) => {
  listSpecs('the list', (settings) => servePeopleOnNodes(cluster(), settings));
  visibleSpecs('visible', (settings) => servePeopleOnNodes(cluster(), settings));
  serverSpecs('three nodes', (settings) => servePeopleOnNodes(cluster(), settings));

  clientsSpecs('three nodes', async (settings) => {
    const nodes = new Nodes(cluster(), settings);
    await nodes.open();
    const urls = await Promise.all(
      nodes.servers.map(async (server) => {
        const http = createServer();
        server.attach(http, { path: '/bayeux' });
        return `${await listening(http)}/bayeux`;
      }),
    );
    // Sockets are closed before the servers that serve them.
    onTestFinished(() => nodes.close());
    const [first] = nodes.servers;
    if (first === undefined) throw new Error('no server');
    let clients = 0;
    return {
      server: first,
      clock: { tick: nodes.tick },
      get url() {
        clients += 1;
        return urls[clients % urls.length] ?? '';
      },
    };
  });
});
