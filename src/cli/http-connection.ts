import { connect, type Socket } from 'node:net';
import { connect as connectSecurely, type ConnectionOptions } from 'node:tls';
import { type Response, ResponseReader } from './response-reader.ts';

/** Where to connect, and whom to trust there if the connection is secure. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls?: ConnectionOptions | undefined;
}

/** All sockets read into this buffer, so that a read allocates nothing. */
const shared = Buffer.allocUnsafeSlow(65_536);

/** One connection to an HTTP server, with one request at a time. */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  readonly #onClosed: () => void;
  #exchange: { resolve(response: Response): void; reject(error: unknown): void } | undefined;
  #signal: AbortSignal | undefined;
  #isReused = false;
  #hasBytes = false;
  #error: unknown;

  constructor(target: Target, onClosed: () => void) {
    this.#onClosed = onClosed;
    this.#socket = opened(target, (count) => this.#receive(shared.subarray(0, count)));
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.once('close', () => this.#closed());
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** True when the server closed the connection while it was idle, and has not read the request. */
  get wasStale(): boolean {
    return this.#isReused && !this.#hasBytes;
  }

  /** Resolves with the response. Rejects when the connection closes before, and with `ClientError` for a malformed one. */
  exchange(request: string, signal?: AbortSignal): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#exchange = { resolve, reject };
      this.#hasBytes = false;
      this.#destroyOn(signal);
      this.#socket.write(request);
    });
  }

  readonly destroy = (): void => void this.#socket.destroy();

  #receive(bytes: Buffer): void {
    this.#hasBytes = true;
    // Nothing was asked: a server may say so that it closes the connection.
    if (this.#exchange === undefined) this.destroy();
    else if (this.isOpen) this.#read(bytes);
  }

  #read(bytes: Buffer): void {
    try {
      const response = this.#reader.read(bytes);
      if (response === undefined) return;
      if (response.isLast) this.destroy();
      this.#exchange?.resolve(response);
      this.#exchange = undefined;
      this.#isReused = true;
    } catch (error) {
      this.#error = error;
      this.destroy();
    }
  }

  // A listener for each request would take long: each walks through those of all sessions.
  #destroyOn(signal: AbortSignal | undefined): void {
    if (signal?.aborted) this.destroy();
    if (signal === this.#signal) return;
    this.#signal?.removeEventListener('abort', this.destroy);
    signal?.addEventListener('abort', this.destroy);
    this.#signal = signal;
  }

  #closed(): void {
    this.#destroyOn(undefined);
    this.#onClosed();
    this.#exchange?.reject(this.#error ?? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
  }
}

function opened({ host, port, tls }: Target, onBytes: (count: number) => void): Socket {
  const callback = (count: number) => {
    onBytes(count);
    return true;
  };
  const options = { host, port, noDelay: true, onread: { buffer: shared, callback } };
  return tls === undefined ? connect(options) : connectSecurely({ ...options, ...tls });
}
