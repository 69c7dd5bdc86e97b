import { HttpConduit } from '../load/http.js';
import { WebSocketConduit } from '../load/websocket.js';
import { link } from '../wire.js';
import { CLIENTS } from './bounds.js';
import { Client } from './client.js';

void link(process, { run });
process.once('disconnect', () => process.exit(0));

/** Faye tries again after 5 s, whatever happened. */
const faye = { transport: 'long-polling', Conduit: HttpConduit, pauseAfter: () => 5_000 };
/** cometd.js tries again at once, and then after one second more each time. */
const cometd = {
  transport: 'websocket',
  Conduit: WebSocketConduit,
  pauseAfter: (/** @type {number} */ failures) => (failures - 1) * 1_000,
};

/** All clients lost their sessions and come back at once. @param {{ port: number, patience: number }} order */
async function run({ port, patience }) {
  const began = performance.now();
  const clients = [faye, cometd].map((manners) =>
    Array.from({ length: CLIENTS }, () => new Client({ port, path: '/bayeux' }, manners)),
  );
  const late = new Promise((resolve) => setTimeout(resolve, patience));
  const backs = clients.flat().map((client) => client.comeBack());
  await Promise.race([Promise.all(backs), late]);
  return {
    took: performance.now() - began,
    kinds: clients.map((all, at) => ({
      title: at === 0 ? 'as Faye' : 'as cometd.js',
      back: all.filter(({ isBack }) => isBack).length,
      failures: all.reduce((sum, { failures }) => sum + failures, 0),
      last: Math.max(...all.map(({ backAt }) => backAt)) - began,
    })),
  };
}
