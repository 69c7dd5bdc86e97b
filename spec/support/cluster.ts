import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { LinkedPeers, type LinkParts } from '../../src/cluster/linked-peers.ts';
import { Server, type ServerSettings } from '../../src/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import type { NodeInfo } from '../../src/ports/peers.ts';
import { Bus, BusEngine } from './bus-engine.ts';
import { Front } from './front.ts';
import { listen } from './start.ts';
import { until } from './until.ts';

/** One node: a server, its HTTP port and its links. */
export interface ClusterNode {
  readonly server: Server;
  readonly peers: LinkedPeers;
  readonly info: NodeInfo;
  /** `http://127.0.0.1:PORT/bayeux` */
  readonly url: string;
  readonly port: number;
  readonly logged: readonly LogEvent[];
  stop(): Promise<void>;
}

/** What differs from node to node, or from the usual. */
export interface ClusterSettings extends ServerSettings {
  readonly clock?: Clock;
  readonly path?: string;
  readonly link?: Partial<Pick<LinkParts, 'secret' | 'listen' | 'tls'>> | undefined;
}

/** Starts a node. `via` may put something between the nodes: it gets the address of the link, and answers with another. */
export async function startNode(
  bus: Bus,
  { path = '/bayeux', link = {}, clock = systemClock, ...settings }: ClusterSettings = {},
  via: (address: string) => Promise<string> = async (address) => address,
): Promise<ClusterNode> {
  const logged: LogEvent[] = [];
  const server = new Server({
    clock,
    engine: new BusEngine(bus),
    ...settings,
    log: (event) => void logged.push(event),
  });
  const { node, refusals, log } = server;
  const parts = { node, clock, log, refusals, secret: 'a secret of the cluster', listen: '127.0.0.1:0' };
  const peers = new LinkedPeers({ ...parts, ...link });
  server.forwardTo(peers);
  const address = await via(await peers.open());
  const http: HttpServer = createServer((_req, res) => res.writeHead(404).end());
  server.attach(http, { path });
  await listen(http);
  const { port } = http.address() as AddressInfo;
  const stop = async () => {
    await server.close();
    http.closeAllConnections();
    await Promise.all([peers.close(), new Promise((resolve) => http.close(resolve))]);
  };
  const info = { name: node, link: address };
  return { server, peers, info, url: `http://127.0.0.1:${port}${path}`, port, logged, stop };
}

/** Tells all nodes of each other, and waits until all are linked. */
export async function connectAll(nodes: readonly ClusterNode[]): Promise<void> {
  for (const { peers } of nodes) peers.setNodes(nodes.map(({ info }) => info));
  await until(
    () => nodes.every(({ peers }) => peers.linked.length === nodes.length - 1),
    'all nodes are linked',
  );
}

/** Nodes that last as long as the test, linked to each other. */
export async function cluster(
  count: number,
  settings: ClusterSettings = {},
  via?: (address: string) => Promise<string>,
): Promise<ClusterNode[]> {
  const bus = new Bus(systemClock);
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode(bus, settings, via)));
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  });
  await connectAll(nodes);
  return nodes;
}

/** Three nodes behind a front that sends each request to the next one. Can go away and come back on the same port. */
export class ClusterHost {
  readonly front = new Front();
  readonly #settings: ServerSettings;
  readonly #path: string;
  readonly #count: number;
  nodes: readonly ClusterNode[] = [];

  constructor(count: number, settings: ServerSettings = {}, path = '/bayeux') {
    this.#count = count;
    this.#settings = settings;
    this.#path = path;
  }

  /** The node with a session; the first one if there is none. */
  get server(): Server {
    const [first] = this.nodes;
    const owner = this.nodes.find(({ server }) => server.sessions.size > 0) ?? first;
    if (owner === undefined) throw new Error('not started');
    return owner.server;
  }

  get origin(): string {
    return this.front.origin;
  }

  get url(): string {
    return this.origin + this.#path;
  }

  async open(): Promise<void> {
    await this.front.open();
    await this.start();
  }

  async start(): Promise<void> {
    const bus = new Bus(systemClock);
    const settings = { ...this.#settings, path: this.#path };
    this.nodes = await Promise.all(Array.from({ length: this.#count }, () => startNode(bus, settings)));
    await connectAll(this.nodes);
    this.front.ports = this.nodes.map(({ port }) => port);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

/** A cluster behind a front that lasts as long as the test. */
export async function clusterHost(
  settings: ServerSettings = {},
  { path = '/bayeux', count = 3 }: { readonly path?: string; readonly count?: number } = {},
): Promise<ClusterHost> {
  const host = new ClusterHost(count, settings, path);
  await host.open();
  onTestFinished(async () => {
    await host.stop();
    await host.front.close();
  });
  return host;
}
