import { link } from '../wire.js';
import { arrivals } from './arrivals.js';
import { fanout } from './fanout.js';
import { idle } from './idle.js';
import { usageOf } from './usage.js';

/**
 * The parameters of a workload, and functions that read usage of the server.
 *
 * @typedef {object} Surroundings
 * @property {{ target: { port: number, path: string }, dialect: 'bayeux' | 'raw' | 'echo', onLost(why: string): void }} site
 * @property {number} seconds
 * @property {number} warmup Seconds.
 * @property {number} scale Share of the sessions to open, in workloads that measure sessions.
 * @property {() => Promise<import('./usage.js').Usage>} usage
 * @property {() => Promise<{ rss: number, heapUsed: number }>} memory
 */

const workloads = { fanout, arrivals, idle };

const parent = link(process, { run });
process.once('disconnect', () => process.exit(0));

/** @param {any} order */
async function run({ load, pid, port, dialect, seconds, warmup, scale }) {
  /** @type {string[]} */
  const dropped = [];
  const result = await workloads[/** @type {keyof typeof workloads} */ (load.work)](load, {
    site: { target: { port, path: '/bayeux' }, dialect, onLost: (why) => dropped.push(why) },
    seconds,
    warmup,
    scale,
    usage: () => usageOf(pid, () => parent.ask('usage')),
    memory: () => parent.ask('memory'),
  });
  return { ...result, trouble: { ...result.trouble, dropped: dropped.length }, why: dropped[0] };
}
