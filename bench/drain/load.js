import { asCometd, asFaye } from '../load/manners.js';
import { link } from '../wire.js';
import { ALL, CLIENTS, GROUP, PAUSE } from './bounds.js';
import { Client } from './client.js';
import { cometd, faye } from './stock.js';

void link(process, { run, back });
process.once('disconnect', () => process.exit(0));

/** Length of what all ids of a server begin with (HS-8). */
const TAG = 4;

/** Clients that are opened at once. */
const STEP = 50;

/** How a client of each kind is made. @type {Record<string, (target: { port: number, path: string }, channel: string) => import('./stock.js').Stock>} */
const makers = {
  'bare, as cometd.js over WebSocket': (target, channel) => new Client(target, asCometd, channel),
  'bare, as Faye by long-polling': (target, channel) => new Client(target, asFaye, channel),
  'cometd.js over WebSocket': (target, channel) => cometd(urlOf(target), 'websocket', channel),
  'cometd.js by long-polling': (target, channel) => cometd(urlOf(target), 'long-polling', channel),
  'Faye over WebSocket': (target, channel) => faye(urlOf(target), 'websocket', channel),
  'Faye by long-polling': (target, channel) => faye(urlOf(target), 'long-polling', channel),
};

/** @param {{ port: number, path: string }} target */
function urlOf({ port, path }) {
  return `http://127.0.0.1:${port}${path}`;
}

/** @type {import('./stock.js').Stock[]} */
let clients = [];
/** What the ids of the first server begin with. */
let tag = '';

/** How many clients have a session of another server than at first, by kind. */
function back() {
  const kinds = Object.entries(CLIENTS).flatMap(([kind, count]) => Array(count).fill(kind));
  const isBack = (/** @type {string} */ id) => id !== '' && !id.startsWith(tag);
  return Object.fromEntries(
    Object.keys(CLIENTS).map((kind) => [
      kind,
      clients.filter(({ clientId }, at) => kinds[at] === kind && isBack(clientId)).length,
    ]),
  );
}

/** Opens all clients, and has each publish from then on. @param {{ port: number, path: string }} target */
async function run(target) {
  const kinds = Object.entries(CLIENTS).flatMap(([kind, count]) => Array(count).fill(makers[kind]));
  // Kinds are mixed within the groups.
  clients = kinds.map((make, at) => make(target, `/group/${at % Math.ceil(ALL / GROUP)}`));
  for (let at = 0; at < clients.length; at += STEP)
    await Promise.all(clients.slice(at, at + STEP).map((client) => client.open()));
  tag = clients[0]?.clientId.slice(0, TAG) ?? '';
  let next = 0;
  setInterval(() => {
    clients[next % clients.length].publish();
    next += 1;
  }, PAUSE / clients.length);
  return clients.length;
}
