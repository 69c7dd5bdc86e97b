import { constants, deflateRawSync } from 'node:zlib';
import { broadcast, textFrame } from './broadcast.js';

// What compression costs where each client has a window of its own, so that nothing can be shared: each message is compressed
// anew for each socket.
broadcast((text, sockets) => {
  for (const socket of sockets) socket.write(textFrame(deflated(text), true));
});

/** Ends as a frame has to, without the marker of the flush. @param {string} text */
function deflated(text) {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}
