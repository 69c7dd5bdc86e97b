import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { NodeSide } from '../ports/engine.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import { type Forwarder, type PeerHandler, UnreachableError } from '../ports/peers.ts';
import { type LinkAddress, linkAddress, textOf } from './address.ts';
import { AllReached } from './all-reached.ts';
import { Forwarded } from './forwarded.ts';
import { Link, type LinkOwner } from './link.ts';
import type { LinkSettings } from './link-settings.ts';
import { listenAt } from './listen.ts';
import { tlsProblem } from './tls-problem.ts';
import type { NodeInfo } from './node-info.ts';
import { noteRefusal, Peer, type PeerHost } from './peer.ts';

/** Connections that have not proved anything. */
const MAX_GREETING = 64;

/** How long the other side may take to end a connection, once this one closes. Milliseconds. */
const CLOSING = 1_000;

/** What the links of one node are made with. */
export interface LinkedPeersInit {
  /** The name of this node. */
  readonly node: string;
  readonly clock: Clock;
  readonly settings: LinkSettings;
}

/** What links need of a server. */
export type LinkSide = Pick<NodeSide, 'log' | 'refusals'>;

/** The other nodes, each over a link of its own. Whoever knows them calls `setNodes`. */
export class LinkedPeers implements Forwarder {
  readonly forwarded = new Forwarded();
  readonly #node: string;
  readonly #clock: Clock;
  readonly #settings: LinkSettings;
  readonly #address: LinkAddress;
  readonly #peers = new Map<string, Peer>();
  readonly #greeting = new Set<Link>();
  readonly #sockets = new Set<Socket>();
  #nodes: ReadonlyMap<string, NodeInfo> = new Map();
  #handler: PeerHandler | undefined;
  #host: PeerHost | undefined;
  #server: Server | undefined;
  readonly #all: AllReached;
  #isClosed = false;

  constructor({ node, clock, settings }: LinkedPeersInit) {
    const address = linkAddress(settings.listen);
    if (address === undefined)
      throw new UsageError(
        `a link listens on host:port or on the path of a socket file, not on "${settings.listen}"`,
      );
    this.#node = node;
    this.#clock = clock;
    this.#settings = settings;
    this.#address = address;
    this.#all = new AllReached(clock, () => this.#isClosed || this.#isComplete);
  }

  /** Names of the nodes to which there is a link. */
  get linked(): readonly string[] {
    return Array.from(this.#peers).flatMap(([name, { isLinked }]) => (isLinked ? [name] : []));
  }

  /** Requests of clients that are under way between this node and others. */
  get load(): { readonly out: number; readonly in: number } {
    let [out, incoming] = [0, 0];
    for (const { size } of this.#peers.values()) {
      out += size.out;
      incoming += size.in;
    }
    return { out, in: incoming };
  }

  /** Sets what the other nodes use of this one. Called once, before `open`. */
  serve(handler: PeerHandler): void {
    this.#handler = this.forwarded.counting(handler);
  }

  /** Listens. Resolves to the address that other nodes have to be told. Rejects with `UsageError` when it cannot be had. */
  async open({ log, refusals }: LinkSide): Promise<string> {
    const handler = this.#handler;
    if (handler === undefined) throw new UsageError('call serve before open: links may come at once');
    const { advertise, secret = '', tls } = this.#settings;
    const [node, clock] = [this.#node, this.#clock];
    const host = { node, secret, clock, log, refusals, handler };
    this.#host = { ...host, dial: (address) => this.#dial(address), linked: () => this.#all.look() };
    const server =
      tls === undefined
        ? createServer((socket) => this.#accept(socket))
        : createTlsServer({ ...tls, requestCert: true }, (socket) => this.#accept(socket)).on(
            'tlsClientError',
            (error, { authorizationError }) => {
              const why = tlsProblem(error, authorizationError ?? undefined);
              if (why !== undefined) refusals.note('link.refused', { cause: 'certificate', why });
            },
          );
    this.#server = server.on('connection', (socket) => this.#track(socket));
    const taken = await listenAt(server, this.#address);
    return advertise ?? textOf(taken);
  }

  /** Sets which other nodes there are. This node is left out if it is among them. */
  setNodes(nodes: Iterable<NodeInfo>): void {
    if (this.#isClosed) return;
    const others = Array.from(nodes).filter(({ name }) => name !== this.#node);
    const before = this.#nodes;
    this.#nodes = new Map(others.map((node) => [node.name, node]));
    for (const name of before.keys()) if (!this.#nodes.has(name)) this.#peers.get(name)?.leave();
    for (const node of others) this.#peerOf(node.name)?.join(node);
    for (const [name, { isLinked }] of this.#peers)
      if (!isLinked && !this.#nodes.has(name)) this.#peers.delete(name);
  }

  /** Resolves when there is a link to each node that takes links; after so many milliseconds in any case. */
  whenLinked(ms: number): Promise<void> {
    return this.#all.wait(ms);
  }

  /** True for a node that was told with an address, and for one to which there is a link. */
  reaches(node: string): boolean {
    return this.isLinked(node) || this.#nodes.get(node)?.link !== undefined;
  }

  isLinked(node: string): boolean {
    return this.#peers.get(node)?.isLinked === true;
  }

  async forward(node: string, batch: string, conduit: Conduit): Promise<void> {
    const peer = this.#known(node);
    this.forwarded.out += 1;
    return peer.forward(batch, conduit);
  }

  async join(node: string, clientId: string, conduit: Conduit): Promise<boolean> {
    const peer = this.#known(node);
    this.forwarded.out += 1;
    return peer.joinStream(clientId, conduit);
  }

  async ask(node: string, question: PeerQuestion, ms: number): Promise<unknown> {
    return this.#known(node).ask(question, ms);
  }

  lost(conduit: Conduit): void {
    for (const peer of this.#peers.values()) peer.lost(conduit);
  }

  /** Closes all links. What is on its way ends with 503. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#all.look();
    for (const link of this.#greeting) link.cut({ why: 'this node closes' });
    for (const peer of this.#peers.values()) peer.close();
    this.#server?.close();
    const sockets = [...this.#sockets];
    const timer = this.#clock.after(CLOSING, () => {
      for (const socket of sockets) socket.destroy();
    });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    timer.cancel();
  }

  get #isComplete(): boolean {
    return Array.from(this.#nodes.values()).every(
      ({ name, link }) => link === undefined || this.isLinked(name),
    );
  }

  #known(node: string): Peer {
    const peer = this.reaches(node) ? this.#peers.get(node) : undefined;
    if (peer === undefined) throw new UnreachableError(`there is no node ${node}`);
    return peer;
  }

  #peerOf(name: string): Peer | undefined {
    const known = this.#peers.get(name);
    if (known !== undefined || this.#isClosed) return known;
    if (this.#host === undefined) throw new UsageError('call open before there are other nodes');
    const peer = new Peer(name, this.#host);
    this.#peers.set(name, peer);
    return peer;
  }

  #dial(text: string): Socket {
    const address = linkAddress(text) ?? { path: text };
    const { tls } = this.#settings;
    const name = 'host' in address ? { servername: nameOf(address.host) } : {};
    const socket = tls === undefined ? connect(address) : connectTls({ ...address, ...tls, ...name });
    this.#track(socket);
    return socket;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #accept(socket: Socket): void {
    const host = this.#host;
    if (host === undefined || this.#isClosed || this.#greeting.size >= MAX_GREETING) {
      socket.destroy();
      return;
    }
    const { node, secret, clock, refusals } = host;
    const owner: LinkOwner = {
      accepts: (link) => this.#peerOf(link.peer)?.accepts(link) ?? false,
      opened: (link) => {
        this.#greeting.delete(link);
        const peer = this.#peerOf(link.peer);
        if (peer === undefined) link.cut({ why: 'this node closes' });
        else peer.opened(link);
      },
      frame() {},
      drained() {},
      oversized() {},
      closed: (link, ending) => {
        this.#greeting.delete(link);
        noteRefusal(ending, link.peer, refusals);
      },
    };
    this.#greeting.add(new Link({ socket, role: 'listener', node, secret, clock, owner }));
  }
}

// TLS names no IP address.
function nameOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}
