import { asCometd, asFaye } from '../load/manners.js';
import { link } from '../wire.js';
import { CLIENTS } from './bounds.js';
import { Client } from './client.js';

void link(process, { run });
process.once('disconnect', () => process.exit(0));

/** All clients lost their sessions and come back at once. @param {{ port: number, patience: number }} order */
async function run({ port, patience }) {
  const began = performance.now();
  const clients = [asFaye, asCometd].map((manners) =>
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
