import type { Server as CoreServer } from '../../src/core/server.ts';
import { Server, type ServerSettings } from '../../src/server.ts';
import type { Session } from '../../src/core/session.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, type Wire } from './fake-conduit.ts';
import { turn } from './until.ts';

/** A server without sockets, its time standing still. */
export function serve(settings: ServerSettings = {}): { server: Server; clock: FakeClock } {
  const clock = new FakeClock();
  const server = new Server({ clock, ...settings });
  server.takeSockets();
  return { server, clock };
}

/** Sends messages in one batch, by way of their JSON text. Done when they were answered, or a connect is held. */
export async function ask(
  server: CoreServer,
  messages: Wire | readonly Wire[],
  conduit = exchange(),
): Promise<FakeConduit> {
  await server.receive(server.decode(JSON.stringify(messages)), conduit);
  return conduit;
}

const everyType = ['websocket', 'long-polling', 'callback-polling'];

/** A handshake request that succeeds. */
export const handshake = (fields: Wire = {}): Wire => ({
  id: 'h',
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: everyType,
  ...fields,
});

/** A client that says what it is told to, over conduits it is given. */
export class FakeClient {
  readonly server: CoreServer;
  readonly clientId: string;
  readonly session: Session;
  #lastId = 0;

  private constructor(server: CoreServer, clientId: string, session: Session) {
    this.server = server;
    this.clientId = clientId;
    this.session = session;
  }

  /** Handshakes. */
  static async open(server: CoreServer, conduit = exchange(), fields: Wire = {}): Promise<FakeClient> {
    const before = new Set(server.sessions);
    await ask(server, handshake(fields), conduit);
    const session = [...server.sessions].find((one) => !before.has(one));
    if (session === undefined) throw new Error(`no session: ${JSON.stringify(conduit.messages)}`);
    return new FakeClient(server, session.clientId, session);
  }

  /** Handshakes and connects once: from here on a connect is held. */
  static async connected(server: CoreServer, conduit?: FakeConduit, fields: Wire = {}): Promise<FakeClient> {
    const client = await FakeClient.open(server, conduit, fields);
    await client.connect(
      {},
      conduit?.shape === 'socket' ? conduit : exchange({ transport: client.session.transport }),
    );
    return client;
  }

  /** A message in this client's name, with an id of its own. */
  message(channel: string, fields: Wire = {}): Wire {
    this.#lastId += 1;
    return { id: String(this.#lastId), channel, clientId: this.clientId, ...fields };
  }

  send(messages: Wire | readonly Wire[], conduit = exchange()): Promise<FakeConduit> {
    return ask(this.server, messages, conduit);
  }

  connect(fields: Wire = {}, conduit = exchange()): Promise<FakeConduit> {
    return this.send(
      this.message('/meta/connect', { connectionType: conduit.transport, ...fields }),
      conduit,
    );
  }

  subscribe(subscription: unknown, conduit = exchange()): Promise<FakeConduit> {
    return this.send(this.message('/meta/subscribe', { subscription }), conduit);
  }

  unsubscribe(subscription: unknown, conduit = exchange()): Promise<FakeConduit> {
    return this.send(this.message('/meta/unsubscribe', { subscription }), conduit);
  }

  publish(channel: string, data: unknown, conduit = exchange()): Promise<FakeConduit> {
    return this.send(this.message(channel, { data }), conduit);
  }

  disconnect(conduit = exchange()): Promise<FakeConduit> {
    return this.send(this.message('/meta/disconnect'), conduit);
  }

  /** The peer of the conduit has gone. */
  lose(conduit: FakeConduit): void {
    this.server.lost(conduit.die());
  }

  /** Waits for what leaves at the end of this turn. */
  flushed(): Promise<void> {
    return turn();
  }
}
