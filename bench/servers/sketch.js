import { createServer } from 'node:http';
import WebSocket from 'faye-websocket';
import { textFrame } from './broadcast.js';
import { serve } from './serve.js';

// The ceiling of one write per delivery in Bayeux over WebSocket: no checks, limits or timeouts, and each
// message is written at once. Only a server that makes fewer writes can be faster.

/** @type {Map<string, Set<import('node:stream').Duplex>>} */
const subscribers = new Map();
let clients = 0;

const httpServer = createServer();
httpServer.on('upgrade', (request, socket, head) => {
  const peer = new WebSocket(request, socket, head);
  peer.on('message', (/** @type {{ data: string }} */ { data }) => {
    const replies = JSON.parse(data).flatMap((/** @type {any} */ message) => replyTo(message, socket));
    if (replies.length > 0) socket.write(textFrame(Buffer.from(JSON.stringify(replies)), false));
  });
  socket.on('close', () => {
    for (const sockets of subscribers.values()) sockets.delete(socket);
  });
});
serve(httpServer);

/** @param {any} message @param {import('node:stream').Duplex} socket @returns {object[]} */
function replyTo({ channel, id, clientId, subscription, data, advice }, socket) {
  const reply = { channel, id, clientId, successful: true };
  switch (channel) {
    case '/meta/handshake':
      return [
        { ...reply, clientId: `c${++clients}`, version: '1.0', supportedConnectionTypes: ['websocket'] },
      ];
    case '/meta/connect':
      return advice?.timeout === 0 ? [reply] : [];
    case '/meta/subscribe':
      subscribe(subscription, socket);
      return [{ ...reply, subscription }];
    default:
      publish(channel, data);
      return [reply];
  }
}

/** @param {string} channel @param {import('node:stream').Duplex} socket */
function subscribe(channel, socket) {
  const sockets = subscribers.get(channel);
  if (sockets) sockets.add(socket);
  else subscribers.set(channel, new Set([socket]));
}

/** @param {string} channel @param {unknown} data */
function publish(channel, data) {
  const sockets = subscribers.get(channel);
  if (!sockets) return;
  const frame = textFrame(Buffer.from(JSON.stringify([{ channel, data }])), false);
  for (const socket of sockets) socket.write(frame);
}
