import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { UsageError } from '../lib/usage-error.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import { type NodeInfo, type PeerHandler, type LinkPeers, UnreachableError } from '../ports/peers.ts';
import { type LinkAddress, linkAddress, textOf } from './address.ts';
import { Link, type LinkOwner } from './link.ts';
import { noteRefusal, Peer, type PeerHost } from './peer.ts';

/** Connections that have not proved anything. */
const MAX_GREETING = 64;

/** Certificate, key and authority of the links, in PEM. Each side proves itself to the other. */
interface LinkTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

/** What the links of one node need. */
export interface LinkParts extends Pick<PeerHost, 'node' | 'secret' | 'clock' | 'log' | 'refusals'> {
  /** Where this node listens; port 0 takes any free one. */
  readonly listen: string;
  readonly tls?: LinkTls;
}

/** The other nodes, each over a link of its own. Whoever knows them calls `setNodes`. */
export class LinkedPeers implements LinkPeers {
  readonly #parts: LinkParts;
  readonly #address: LinkAddress;
  readonly #peers = new Map<string, Peer>();
  readonly #greeting = new Set<Link>();
  #nodes: ReadonlyMap<string, NodeInfo> = new Map();
  #handler: PeerHandler | undefined;
  #server: Server | undefined;
  #isClosed = false;

  constructor(parts: LinkParts) {
    const address = linkAddress(parts.listen);
    if (address === undefined)
      throw new UsageError(
        `a link listens on host:port or on the path of a socket file, not on "${parts.listen}"`,
      );
    this.#parts = parts;
    this.#address = address;
  }

  get nodes(): ReadonlyMap<string, NodeInfo> {
    return this.#nodes;
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

  serve(handler: PeerHandler): void {
    this.#handler = handler;
  }

  /** Listens. Resolves to the address, with the port that was taken. Rejects when it cannot be had. */
  async open(): Promise<string> {
    if (this.#handler === undefined) throw new UsageError('call serve before open: links may come at once');
    const { tls } = this.#parts;
    const server =
      tls === undefined
        ? createServer((socket) => this.#accept(socket))
        : createTlsServer({ ...tls, requestCert: true }, (socket) => this.#accept(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#address, () => {
        server.off('error', reject);
        const at = server.address();
        const port = typeof at === 'object' && at !== null ? at.port : 0;
        resolve(textOf('path' in this.#address ? this.#address : { ...this.#address, port }));
      });
    });
  }

  /** Sets which other nodes there are. This node is left out if it is among them. */
  setNodes(nodes: Iterable<NodeInfo>): void {
    const others = Array.from(nodes).filter(({ name }) => name !== this.#parts.node);
    const before = this.#nodes;
    this.#nodes = new Map(others.map((node) => [node.name, node]));
    for (const name of before.keys()) if (!this.#nodes.has(name)) this.#peers.get(name)?.leave();
    for (const node of others) this.#peerOf(node.name)?.join(node);
    for (const [name, { isLinked }] of this.#peers)
      if (!isLinked && !this.#nodes.has(name)) this.#peers.delete(name);
  }

  async forward(node: string, batch: string, conduit: Conduit): Promise<void> {
    return this.#known(node).forward(batch, conduit);
  }

  async join(node: string, clientId: string, conduit: Conduit): Promise<boolean> {
    return this.#known(node).joinStream(clientId, conduit);
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
    for (const link of this.#greeting) link.cut({ why: 'this node closes' });
    for (const peer of this.#peers.values()) peer.close();
    const server = this.#server;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #known(node: string): Peer {
    const peer = this.#nodes.has(node) ? this.#peers.get(node) : undefined;
    if (peer === undefined) throw new UnreachableError(`there is no node ${node}`);
    return peer;
  }

  #peerOf(name: string): Peer | undefined {
    const known = this.#peers.get(name);
    if (known !== undefined || this.#isClosed) return known;
    const { secret, clock, log, refusals, node } = this.#parts;
    const handler = this.#handler;
    if (handler === undefined) throw new UsageError('call serve before there are other nodes');
    const dial = (address: string) => this.#dial(address);
    const peer = new Peer(name, { node, secret, clock, log, refusals, handler, dial });
    this.#peers.set(name, peer);
    return peer;
  }

  #dial(text: string): Socket {
    const address = linkAddress(text) ?? { path: text };
    const { tls } = this.#parts;
    if (tls === undefined) return connect(address);
    return connectTls({ ...address, ...tls, ...('host' in address && { servername: nameOf(address.host) }) });
  }

  #accept(socket: Socket): void {
    if (this.#isClosed || this.#greeting.size >= MAX_GREETING) {
      socket.destroy();
      return;
    }
    const { node, secret, clock, refusals } = this.#parts;
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
