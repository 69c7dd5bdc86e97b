import { setPriority } from 'node:os';
import { nowUs, sleep } from '../../load/clock.js';
import { ownUsage, usageOf } from '../../load/usage.js';
import { link } from '../../wire.js';
import { attacks } from './attacks.js';
import { HOSTILE_SHARE } from './bounds.js';

const BEAT = 1000;
const LOWEST_PRIORITY = 19;

/**
 * What hostile clients did, and what they got.
 *
 * @typedef {object} Deeds
 * @property {Record<string, { tries: number, got: Record<string, number> }>} kinds
 * @property {number} seconds
 * @property {number} load CPU time of these clients. Share of one core.
 * @property {number} speed Mean share of the full rate.
 */

// The honest clients, on the same core, go first: their latency is measured.
setPriority(LOWEST_PRIORITY);

const parent = link(process, { attack, cease });
process.once('disconnect', () => process.exit(0));

/** @type {Record<string, { tries: number, under: number, got: Record<string, number> }>} */
const kinds = {};
/** @type {import('./connection.js').Site['open']} */
const open = new Set();
/** @type {Set<Promise<void>>} */
const underWay = new Set();
let isOver = false;
let speed = 1;
/** @type {number[]} */
const speeds = [];
let began = ownUsage();

/**
 * Starts the hostile clients. They slow down when the server uses more than `HOSTILE_SHARE` beyond `honestShare`.
 *
 * @param {{ port: number, pid: number, token: string, badTokens: readonly string[], honestShare: number }} order
 */
function attack({ pid, honestShare, ...target }) {
  const site = { ...target, open };
  began = ownUsage();
  for (const [title, kind] of Object.entries(attacks)) {
    kinds[title] = { tries: 0, under: 0, got: {} };
    pace(kind, kinds[title], site);
  }
  void steer(pid, honestShare + HOSTILE_SHARE);
}

async function cease() {
  isOver = true;
  const ended = ownUsage();
  // A try may go on with another connection.
  for (; underWay.size > 0; await sleep(BEAT / 100)) for (const connection of open) connection.cut();
  return {
    kinds,
    seconds: (ended.at - began.at) / 1e6,
    load: (ended.cpu - began.cpu) / (ended.at - began.at),
    speed: speeds.reduce((sum, value) => sum + value, 0) / speeds.length,
  };
}

/**
 * Tries at times that are random, as those of many clients are.
 *
 * @param {import('./attacks.js').Attack} attack
 * @param {typeof kinds[string]} count
 * @param {import('./connection.js').Site} site
 */
function pace({ rate, most = Number.POSITIVE_INFINITY, ways }, count, site) {
  const tryOnce = async () => {
    const way = ways[count.tries % ways.length];
    count.tries++;
    count.under++;
    const got = (await way?.(site)) ?? '';
    count.under--;
    const word = isOver ? 'open at the end' : got;
    count.got[word] = (count.got[word] ?? 0) + 1;
  };
  let due = nowUs();
  const next = () => {
    due += (-Math.log(1 - Math.random()) * 1e6) / (rate * speed);
    setTimeout(tryAndNext, Math.max(0, due - nowUs()) / 1000);
  };
  const tryAndNext = () => {
    if (isOver) return;
    if (count.under < most) {
      const one = tryOnce().finally(() => underWay.delete(one));
      underWay.add(one);
    }
    next();
  };
  next();
}

/** @param {number} pid @param {number} limit Share of one core. */
async function steer(pid, limit) {
  const usage = () => usageOf(pid, () => parent.ask('usage'));
  let before = await usage();
  const timer = setInterval(async () => {
    if (isOver) return clearInterval(timer);
    const now = await usage();
    const share = (now.cpu - before.cpu) / (now.at - before.at);
    before = now;
    // Half the way, since one second is not like the other.
    speed = Math.min(1, Math.max(0.01, speed * ((1 + limit / Math.max(share, 0.01)) / 2)));
    speeds.push(speed);
  }, BEAT);
}
