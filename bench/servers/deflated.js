import { constants, deflateRawSync } from 'node:zlib';
import { broadcast, textFrame } from './broadcast.js';

// The cost of compression with a window per client: no frame can be shared, so each message is compressed for each socket.
broadcast((text, sockets) => {
  for (const socket of sockets) socket.write(textFrame(deflated(text), true));
});

/** Without the last 4 bytes, the end of a flush, which frames omit (RFC 7692). @param {string} text */
function deflated(text) {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}
