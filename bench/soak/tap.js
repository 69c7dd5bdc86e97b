import { connect } from 'node:net';

const BEAT = 100;

/** A TCP connection that can read slowly, so that unread data fills the buffers on the way. */
export class Tap {
  /** @type {import('node:net').Socket | undefined} */
  #socket;
  /** @type {NodeJS.Timeout | undefined} */
  #beat;

  /** In place of `openSocket`. @type {typeof import('../load/socket.js').openSocket} */
  open = (port, onBytes, onClosed) => {
    let rest = Buffer.alloc(0);
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('data', (chunk) => {
      const bytes = Buffer.concat([rest, chunk]);
      rest = bytes.subarray(onBytes(bytes, bytes.length));
    });
    socket.on('error', () => {});
    socket.once('close', onClosed);
    this.#socket = socket;
    return socket;
  };

  /** @param {number} rate Bytes per second. */
  trickle(rate) {
    this.#socket?.pause();
    // A paused stream returns the bytes that `read` asks for, and reads from the kernel only when its own buffer is low.
    this.#beat = setInterval(() => this.#socket?.read((rate * BEAT) / 1000), BEAT);
  }

  /** Reads at full speed from now on. */
  flow() {
    clearInterval(this.#beat);
    this.#socket?.resume();
  }
}
