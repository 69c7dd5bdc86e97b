import { createServer } from 'node:http';
import { constants, deflateRawSync } from 'node:zlib';
import WebSocket from 'faye-websocket';
import { serve } from './serve.js';

// What compression costs where each client has a window of its own, so that nothing can be shared: each message is compressed
// anew for each socket. No Bayeux at all.
/** @type {Set<import('node:stream').Duplex>} */
const sockets = new Set();

const httpServer = createServer();
httpServer.on('upgrade', (request, socket, head) => {
  const peer = new WebSocket(request, socket, head);
  peer.on('open', () => sockets.add(socket));
  peer.on('close', () => sockets.delete(socket));
  peer.on('message', (/** @type {{ data: string }} */ { data }) => {
    for (const each of sockets) each.write(compressedFrame(data));
  });
});
serve(httpServer);

/** One unmasked, compressed text frame of less than 64 KiB. @param {string} text */
function compressedFrame(text) {
  const payload = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const short = payload.length < 126;
  const frame = Buffer.allocUnsafe(payload.length + (short ? 2 : 4));
  frame[0] = 0xc1;
  frame[1] = short ? payload.length : 126;
  if (!short) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, short ? 2 : 4);
  return frame;
}
