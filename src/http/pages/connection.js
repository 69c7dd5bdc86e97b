import { CometD } from '/clients/cometd/cometd.js';
import { EventSourceTransport } from '/clients/eventsource.js';
import { $ } from './dom.js';
import { identity } from './me.js';

export const cometd = new CometD();

export const isConnected = () => $('status').dataset.state === 'open' && !cometd.isDisconnected();

/** The words of an error such as `403:/chat/lobby:publish_denied`. */
export const reasonOf = (error) => error.split(':').at(-1).replaceAll('_', ' ');

/** Connects, and stays connected. Calls `begin` for each session: after a break the client may have to open another. */
export function connect(begin) {
  const url = new URL(document.querySelector('meta[name=bayeux]').content, location.origin).href;
  cometd.configure({ url, logLevel: 'warn', maxBackoff: 5_000 });
  chooseTransport();
  cometd.addListener('/meta/handshake', (reply) => (reply.successful ? begin(reply) : showStatus(reply)));
  cometd.addListener('/meta/connect', showStatus);
  // Not before the page is loaded: a script of callback-polling that is held would delay that.
  addEventListener('pageshow', ({ persisted }) => (persisted ? location.reload() : start()));
  addEventListener('pagehide', () => cometd.disconnect());
  for (const type of ['offline', 'online']) addEventListener(type, start);
  // The client gives up when no transport is left, as after a failed WebSocket.
  cometd.onTransportException = (_failure, _old, next) => next ?? setTimeout(start, 3_000);
}

/** Opens a new session. What is open is closed first: a client may notice a lost network late. */
export function start() {
  // Messages by callback-polling are URLs, and URLs are logged: no secret goes there.
  const ext = $('transport').value === 'callback-polling' ? {} : identity();
  if (cometd.getStatus() === 'disconnected') return cometd.handshake({ ext });
  cometd.getTransport()?.abort();
  cometd.disconnect(start);
}

/** Takes the transport in the address. Without one the client takes a WebSocket, or long-polling if that does not work. */
function chooseTransport() {
  cometd.registerTransport('eventsource', new EventSourceTransport(start));
  $('transport').value = new URLSearchParams(location.search).get('transport') ?? '';
  const wanted = $('transport').value ? [$('transport').value] : ['websocket', 'long-polling'];
  for (const type of cometd.getTransportTypes()) if (!wanted.includes(type)) cometd.unregisterTransport(type);
}

/** Shows whether this is connected, from the server's reply. Without an answer there is no `error`. */
function showStatus({ successful, error = '' }) {
  const transport = successful ? cometd.getTransport().type : '';
  const state = successful ? 'open' : navigator.onLine ? 'lost' : 'offline';
  const fault = error ? `Not connected: ${reasonOf(error)}` : 'No answer from the server …';
  const texts = { open: `Connected over ${transport}`, lost: fault, offline: 'You are offline' };
  $('status').textContent = texts[state];
  Object.assign($('status').dataset, { state, transport });
  $('login').hidden = !error.startsWith('401:');
}
