import { createServer } from 'node:http';
import WebSocket from 'faye-websocket';
import { serve } from './serve.js';

/**
 * A server without Bayeux: faye-websocket does the handshake and reads frames, and `send` writes each message
 * to all sockets.
 *
 * @param {(text: string, sockets: Iterable<import('node:stream').Duplex>) => void} send
 */
export function broadcast(send) {
  /** @type {Set<import('node:stream').Duplex>} */
  const sockets = new Set();
  const httpServer = createServer();
  httpServer.on('upgrade', (request, socket, head) => {
    const peer = new WebSocket(request, socket, head);
    peer.on('open', () => sockets.add(socket));
    peer.on('close', () => sockets.delete(socket));
    peer.on('message', (/** @type {{ data: string }} */ { data }) => send(data, sockets));
  });
  serve(httpServer);
}

/** One unmasked text frame of less than 64 KiB. @param {Buffer} payload @param {boolean} isCompressed */
export function textFrame(payload, isCompressed) {
  const short = payload.length < 126;
  const frame = Buffer.allocUnsafe(payload.length + (short ? 2 : 4));
  frame[0] = isCompressed ? 0xc1 : 0x81;
  frame[1] = short ? payload.length : 126;
  if (!short) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, short ? 2 : 4);
  return frame;
}
