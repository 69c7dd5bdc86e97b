import { createServer, type Socket, type Server as TcpServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { CloseReason, Conduit, Handover, Outgoing, OutgoingReply, Server } from '../../src/index.ts';
import { OutgoingEvent } from '../../src/index.ts';

/** A door that is not Bayeux, lines over TCP: `SUB /a/*`, `UNSUB /a/*`, `PUB /a/b {"x":1}`, `BYE`; each is answered `OK` or `ERR`. */
export function lineDoor(server: Server): TcpServer {
  server.addTransport({ name: 'line', offered: false, livesBy: 'conduit' });
  return createServer((socket) => void new LineConduit(server, socket).serve().catch(() => {}));
}

const meta: Record<string, string> = { SUB: 'subscribe', UNSUB: 'unsubscribe', BYE: 'disconnect' };

class LineConduit implements Conduit {
  readonly shape = 'socket';
  readonly transport = 'line';
  readonly http2 = false;
  readonly maxBytes = 16_384;
  readonly address: string;
  readonly request;
  session: Conduit['session'];
  #clientId: string | undefined;
  readonly #server: Server;
  readonly #socket: Socket;

  constructor(server: Server, socket: Socket) {
    this.#server = server;
    this.#socket = socket;
    this.address = socket.remoteAddress ?? '';
    this.request = { transport: 'line', address: this.address, headers: {}, cookies: {}, url: '' };
    socket.on('error', () => {}); // `close` follows.
    socket.on('close', () => server.lost(this));
    socket.on('drain', () => this.session?.flush());
    server.join(this);
  }

  get alive(): boolean {
    return this.#socket.writable;
  }

  get ready(): boolean {
    return this.alive && !this.#socket.writableNeedDrain;
  }

  async serve(): Promise<void> {
    await this.#ask('/meta/handshake', { version: '1.0' });
    for await (const line of createInterface({ input: this.#socket })) {
      await this.#obey(line).catch(() => this.#socket.write('ERR 400::unreadable\n'));
    }
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    const text = batch.map((one) => `${this.#lineOf(one)}\n`).join('');
    if (this.alive) this.#socket.write(text, (error) => handover?.settled(batch, !error));
    else handover?.settled(batch, false);
  }

  end(reason: string, why?: CloseReason): void {
    if (this.alive) this.#socket.end(`END ${why ?? reason}\n`);
  }

  #lineOf(one: Outgoing): string {
    if (one instanceof OutgoingEvent) return `MSG ${one.channel} ${JSON.stringify(one.message.data)}`;
    const { channel, clientId, error } = (one as OutgoingReply).message;
    if (channel === '/meta/handshake') this.#clientId = clientId;
    return error === undefined ? `OK ${channel}` : `ERR ${error}`;
  }

  async #obey(line: string): Promise<void> {
    const [, verb = '', name = '', json = ''] = /^(\S+) ?(\S*) ?(.*)$/.exec(line) ?? [];
    if (verb === 'PUB') await this.#ask(name, { data: JSON.parse(json) });
    else await this.#ask(`/meta/${meta[verb] ?? verb}`, { subscription: name });
  }

  async #ask(channel: string, fields: object): Promise<void> {
    const message = JSON.stringify({ channel, clientId: this.#clientId, ...fields });
    await this.#server.receive(this.#server.decode(message), this);
  }
}
