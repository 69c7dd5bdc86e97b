import { connect } from 'node:net';

const SIZE = 1 << 18;

/**
 * One buffer that all sockets of this process read into, so that a read allocates nothing. Its contents are
 * valid only until the callback returns. It has one extra byte for the sentinel of `markers.js`.
 */
const scratch = Buffer.allocUnsafeSlow(SIZE + 1);
const readInto = scratch.subarray(0, SIZE);

/**
 * A TCP connection that passes its bytes on without a copy. It copies only the bytes that its reader left.
 *
 * @param {number} port
 * @param {(bytes: Buffer, end: number) => number} onBytes Returns how many bytes it consumed.
 * @param {() => void} onClosed
 */
export function openSocket(port, onBytes, onClosed) {
  /** @type {Buffer | undefined} */
  let rest;
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: readInto,
      callback(count) {
        const bytes = rest ? joined(rest, count) : scratch;
        const end = rest ? rest.length + count : count;
        const used = onBytes(bytes, end);
        rest = used < end ? Buffer.from(bytes.subarray(used, end)) : undefined;
        return true;
      },
    },
  });
  socket.on('error', () => {});
  socket.once('close', onClosed);
  return socket;
}

/** @param {Buffer} rest @param {number} count */
function joined(rest, count) {
  const bytes = Buffer.allocUnsafeSlow(rest.length + count + 1);
  rest.copy(bytes);
  scratch.copy(bytes, rest.length, 0, count);
  return bytes;
}
