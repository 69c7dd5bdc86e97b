import { nowUs, sleep } from '../load/clock.js';
import { Ledger } from '../load/ledger.js';
import { Meter } from '../load/meter.js';
import { channelName, Publisher } from '../load/publisher.js';
import { Metronome } from '../load/pump.js';
import { openSessions } from '../load/session.js';
import { usageOf } from '../load/usage.js';
import { Histogram } from '../stats.js';
import { link } from '../wire.js';
import { SlowReader } from './slow-reader.js';

const FAST_READERS = 20;
/** Messages per second on each of the two channels. */
const RATE = 2000;
const WARMUP = 5;
const SILENCE = 5000;

/** Stream 0 drops the oldest event, stream 1 the newest. @type {readonly import('./slow-reader.js').Manner[]} */
const manners = [
  { title: 'credit 1, WebSocket, dropOldest', stream: 0, transport: 'websocket', slowness: 'credit' },
  { title: 'unread WebSocket, dropOldest', stream: 0, transport: 'websocket', slowness: 'trickle' },
  { title: 'credit 1, long-polling, dropNewest', stream: 1, transport: 'long-polling', slowness: 'credit' },
];

const parent = link(process, { run });
process.once('disconnect', () => process.exit(0));

/**
 * The measurements of one phase: without slow readers, or with them.
 *
 * @typedef {object} Phase
 * @property {number} p50 Microseconds.
 * @property {number} p99 Microseconds.
 * @property {number} rss Maximum. Bytes.
 * @property {Record<string, number>} waiting Maximum of the waiting events, by clientId.
 * @property {import('../load/meter.js').Shares} shares
 */

/** @param {{ port: number, pid: number, baseline: number, seconds: number }} order */
async function run({ port, pid, baseline, seconds }) {
  const ledger = new Ledger(2);
  /** @type {string[]} */
  const dropped = [];
  const target = { port, path: '/bayeux' };
  const onLost = (/** @type {string} */ why) => dropped.push(why);
  const site = /** @type {const} */ ({ target, transport: 'websocket', dialect: 'bayeux', ledger, onLost });
  const fast = await openSessions(site, FAST_READERS, () => channelName(0));
  for (const session of fast) session.listener = ledger.listener([0]);
  const [session] = await openSessions(site, 1, () => undefined);
  const publisher = new Publisher(site, session, [0, 1], { channels: 2, batch: 1, size: 100 });
  const phase = (/** @type {number} */ length) => runPhase(ledger, publisher, pid, length);

  await phase(WARMUP);
  const before = await phase(baseline);
  const slow = await Promise.all(
    manners.map((manner) =>
      new SlowReader(target, manner, channelName(manner.stream), ledger.next(manner.stream)).open(),
    ),
  );
  const after = await phase(seconds);
  await Promise.all(slow.map((reader) => reader.drain()));
  const { dropped: byRule } = await parent.ask('sample');
  const crowdedOut = fast.reduce((sum, { clientId }) => sum + (byRule[clientId] ?? 0), 0);
  return {
    before,
    after,
    slow: slow.map(({ manner, tally, clientId, lost }) => ({
      title: manner.title,
      published: tally.published(ledger.next(manner.stream)),
      delivered: tally.delivered,
      announced: tally.announced,
      gaps: tally.gaps,
      misplaced: tally.misplaced,
      waiting: after.waiting[clientId] ?? 0,
      lost,
    })),
    fast: {
      published: ledger.next(0) * fast.length,
      crowdedOut,
      lost: ledger.lost - crowdedOut,
      duplicated: ledger.duplicated,
      reordered: ledger.reordered,
      unanswered: ledger.sent - ledger.replies,
      refused: ledger.refused,
      dropped: dropped.length,
    },
  };
}

/**
 * Publishes for a while, and waits until the fast readers have received all of it.
 *
 * @param {Ledger} ledger
 * @param {Publisher} publisher
 * @param {number} pid The server's.
 * @param {number} seconds
 * @returns {Promise<Phase>}
 */
async function runPhase(ledger, publisher, pid, seconds) {
  ledger.latency = new Histogram();
  ledger.measuring = true;
  const meter = new Meter(() => usageOf(pid, () => parent.ask('usage')));
  const metronome = new Metronome([publisher], RATE * 2);
  let rss = 0;
  /** @type {Record<string, number>} */
  const waiting = {};
  for (let second = 0; second < seconds; second++) {
    await sleep(1000);
    const sample = await parent.ask('sample');
    rss = Math.max(rss, sample.rss);
    for (const [clientId, size] of Object.entries(sample.waiting)) {
      waiting[clientId] = Math.max(waiting[clientId] ?? 0, Number(size));
    }
  }
  metronome.stop();
  const shares = await meter.stop();
  const end = nowUs() + SILENCE * 1000;
  while ((ledger.lost > 0 || ledger.replies < ledger.sent) && nowUs() < end) await sleep(20);
  ledger.measuring = false;
  return { p50: ledger.latency.quantile(0.5), p99: ledger.latency.quantile(0.99), rss, waiting, shares };
}
