import { connect } from 'node:net';

const BEAT = 100;

/** A TCP connection whose reader can be slowed down to a trickle: what it does not read piles up in front of it. */
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

  /** @param {number} rate Bytes a second. */
  trickle(rate) {
    this.#socket?.pause();
    // A paused stream hands out what it is asked for, and takes more from the kernel only when its own buffer has run low.
    this.#beat = setInterval(() => this.#socket?.read((rate * BEAT) / 1000), BEAT);
  }

  /** Reads all there is from now on. */
  flow() {
    clearInterval(this.#beat);
    this.#socket?.resume();
  }
}
