import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { LinkedPeers } from '../../src/cluster/linked-peers.ts';
import type { LinkSettings } from '../../src/cluster/link-settings.ts';
import type { NodeInfo } from '../../src/cluster/node-info.ts';
import { Server, type ServerSettings } from '../../src/index.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import { Bus, BusEngine } from './bus-engine.ts';
import { Front } from './front.ts';
import { listen } from './start.ts';
import { until } from './until.ts';

/** One node: a server and its HTTP port. */
export interface ServingNode {
  readonly server: Server;
  /** `http://127.0.0.1:PORT/bayeux` */
  readonly url: string;
  readonly port: number;
  readonly logged: readonly LogEvent[];
  stop(): Promise<void>;
}

/** A node whose links are told by hand which other nodes there are. */
export interface ClusterNode extends ServingNode {
  readonly peers: LinkedPeers;
  readonly info: NodeInfo;
}

/** Serves what an engine has made a node of a cluster. */
export async function serveNode({
  path = '/bayeux',
  ...settings
}: ServerSettings & { readonly clock?: Clock; readonly path?: string }): Promise<ServingNode> {
  const logged: LogEvent[] = [];
  const server = new Server({ ...settings, log: (event) => void logged.push(event) });
  const http: HttpServer = createServer((_req, res) => res.writeHead(404).end());
  server.attach(http, { path });
  await listen(http);
  const { port } = http.address() as AddressInfo;
  const stop = async () => {
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  await server.open();
  return { server, url: `http://127.0.0.1:${port}${path}`, port, logged, stop };
}

/** What differs from node to node, or from the usual. */
export interface ClusterSettings extends ServerSettings {
  readonly clock?: Clock;
  readonly path?: string;
  readonly link?: Partial<LinkSettings> | undefined;
}

/** Starts a node. `via` may put something between the nodes: it gets the address of the link, and answers with another. */
export async function startNode(
  bus: Bus,
  { path = '/bayeux', link = {}, clock = systemClock, ...settings }: ClusterSettings = {},
  via: (address: string) => Promise<string> = async (address) => address,
): Promise<ClusterNode> {
  const linked = { listen: '127.0.0.1:0', secret: 'a secret of the cluster', ...link };
  const engine = new BusEngine(bus, { settings: linked, clock });
  const node = await serveNode({ clock, engine, path, ...settings });
  const { links: peers, address } = engine;
  if (peers === undefined || address === undefined) throw new Error('no links');
  return { ...node, peers, info: { name: node.server.node, link: await via(address) } };
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

/** Starts the nodes of a cluster, which know each other when it resolves. */
export type StartNodes = (
  settings: ServerSettings & { readonly path: string },
) => Promise<readonly ServingNode[]>;

/** Nodes behind a front that sends each request to the next one. Can go away and come back on the same port. */
export class ClusterHost {
  readonly front = new Front();
  readonly #startNodes: StartNodes;
  readonly #settings: ServerSettings;
  readonly #path: string;
  nodes: readonly ServingNode[] = [];

  constructor(startNodes: StartNodes, settings: ServerSettings, path: string) {
    this.#startNodes = startNodes;
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
    this.nodes = await this.#startNodes({ ...this.#settings, path: this.#path });
    this.front.ports = this.nodes.map(({ port }) => port);
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  cut(): void {
    this.front.cut();
  }
}

/** Three nodes on a bus. */
const threeOnBus: StartNodes = async (settings) => {
  const bus = new Bus(systemClock);
  const nodes = await Promise.all([1, 2, 3].map(() => startNode(bus, settings)));
  await connectAll(nodes);
  return nodes;
};

/** A cluster behind a front that lasts as long as the test. */
export async function clusterHost(
  settings: ServerSettings = {},
  {
    path = '/bayeux',
    startNodes = threeOnBus,
  }: { readonly path?: string; readonly startNodes?: StartNodes } = {},
): Promise<ClusterHost> {
  const host = new ClusterHost(startNodes, settings, path);
  await host.open();
  onTestFinished(async () => {
    await host.stop();
    await host.front.close();
  });
  return host;
}
