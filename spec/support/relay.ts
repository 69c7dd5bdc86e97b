import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP relay that records what passes, and can cut or hold it. */
export class Relay {
  readonly #server = createServer((socket) => this.#relay(socket));
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #to: { readonly host: string; readonly port: number };
  /** Connections made so far. */
  made = 0;
  /** What the dialing sides wrote, by connection, and what they got. */
  readonly written: Buffer[][] = [];
  readonly got: Buffer[][] = [];
  /** Called with each piece that a dialing side gets, or writes, before it passes on. False drops the connection in its place. */
  passes: (piece: Buffer, from: 'dialer' | 'listener') => boolean = () => true;

  constructor(to: { readonly host: string; readonly port: number }) {
    this.#to = to;
  }

  /** Relays to an address, as long as the test. */
  static async to(address: string): Promise<Relay> {
    const [host = '', port = ''] = address.split(':');
    const relay = new Relay({ host, port: Number(port) });
    await new Promise<void>((resolve) => void relay.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => relay.close());
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#pairs.size;
  }

  /** All that passed. */
  get bytes(): Buffer {
    return Buffer.concat([...this.written.flat(), ...this.got.flat()]);
  }

  /** Breaks all connections. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Lets nothing pass any more, and says nothing. */
  hold(): void {
    for (const [socket, onward] of this.#pairs) {
      socket.unpipe();
      onward.unpipe();
      for (const one of [socket, onward]) one.removeAllListeners('data').pause();
    }
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #relay(socket: Socket): void {
    const [written, got]: [Buffer[], Buffer[]] = [[], []];
    this.made += 1;
    this.written.push(written);
    this.got.push(got);
    const onward = connect(this.#to);
    const pair = [socket, onward] as const;
    this.#pairs.add(pair);
    const ways = [
      [socket, onward, written, 'dialer'],
      [onward, socket, got, 'listener'],
    ] as const;
    for (const [from, to, pieces, side] of ways) {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('data', (piece: Buffer) => {
        pieces.push(piece);
        if (this.passes(piece, side)) to.write(piece);
        else for (const one of pair) one.destroy();
      });
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
  }
}
