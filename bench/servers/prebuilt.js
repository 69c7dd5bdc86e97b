import { createServer } from 'node:http';
import WebSocket from 'faye-websocket';
import { serve } from './serve.js';

// What one write per message and subscriber can reach: faye-websocket shakes hands and reads; each message is framed
// once and the same bytes go to every upgraded socket. No Bayeux at all.
/** @type {Set<import('node:stream').Duplex>} */
const sockets = new Set();

const httpServer = createServer();
httpServer.on('upgrade', (request, socket, head) => {
  const peer = new WebSocket(request, socket, head);
  peer.on('open', () => sockets.add(socket));
  peer.on('close', () => sockets.delete(socket));
  peer.on('message', (/** @type {{ data: string }} */ { data }) => {
    const frame = textFrame(data);
    for (const each of sockets) each.write(frame);
  });
});
serve(httpServer);

/** One unmasked text frame. @param {string} text */
function textFrame(text) {
  const payload = Buffer.from(text);
  const short = payload.length < 126;
  const frame = Buffer.allocUnsafe(payload.length + (short ? 2 : 4));
  frame[0] = 0x81;
  frame[1] = short ? payload.length : 126;
  if (!short) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, short ? 2 : 4);
  return frame;
}
