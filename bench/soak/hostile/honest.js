import { Histogram } from '../../stats.js';
import { link } from '../../wire.js';
import { nowUs, sleep } from '../../load/clock.js';
import { Ledger } from '../../load/ledger.js';
import { Meter } from '../../load/meter.js';
import { channelName, Publisher } from '../../load/publisher.js';
import { Metronome } from '../../load/pump.js';
import { openSessions } from '../../load/session.js';
import { usageOf } from '../../load/usage.js';

/** Each group has a channel, with 4 clients over WebSocket and 2 by long-polling. */
const GROUPS = 6;
/** Clients of each transport. */
const CLIENTS = { websocket: 4 * GROUPS, 'long-polling': 2 * GROUPS };
/** Publishes of each client. Per second. */
const RATE = 5;
const WARMUP = 10;
const MINUTE = 60;
const SILENCE = 5000;

const transports = /** @type {const} */ (['websocket', 'long-polling']);

const parent = link(process, { run });
process.once('disconnect', () => process.exit(0));

/**
 * The measurements of one minute, or of all minutes of a phase.
 *
 * @typedef {object} Figures
 * @property {Record<typeof transports[number], { p50: number, p99: number }>} latency Microseconds.
 * @property {{ p99: number, max: number }} delay Of the server's event loop. Microseconds.
 * @property {{ rss: number, heapUsed: number }} memory At the end, after collections. Bytes.
 * @property {import('../../load/meter.js').Shares} shares
 *
 * @typedef {Figures & { minutes: readonly Figures[], deliveries: number }} Phase
 */

/** @param {{ port: number, pid: number, token: string, alone: number, seconds: number }} order */
async function run({ port, pid, token, alone, seconds }) {
  const ledger = new Ledger(CLIENTS.websocket + CLIENTS['long-polling']);
  /** @type {string[]} */
  const dropped = [];
  const common = {
    target: { port, path: '/bayeux' },
    dialect: /** @type {const} */ ('bayeux'),
    ledger,
    token,
  };
  const onLost = (/** @type {string} */ why) => dropped.push(why);
  /** @type {Client[]} */
  const clients = [];
  for (const transport of transports) {
    const site = { ...common, transport, onLost };
    const from = clients.length;
    for (const session of await openSessions(site, CLIENTS[transport], (index) => nameOf(from + index)))
      clients.push({ transport, session, publisher: new Publisher(site, session, [clients.length], shape) });
  }
  for (const [index, { session }] of clients.entries())
    session.listener = ledger.listener(
      [...clients.keys()].filter((stream) => stream % GROUPS === index % GROUPS),
    );
  const phase = (/** @type {number} */ length) => runPhase(ledger, clients, pid, length);

  await phase(Math.min(WARMUP, alone));
  const before = await phase(alone);
  await parent.ask('attack', { honestShare: before.shares.server });
  const mixed = await phase(seconds);
  const hostile = await parent.ask('cease');
  const after = await phase(alone);
  return {
    ...{ before, mixed, after, hostile, clients: clients.length, published: ledger.sent },
    trouble: {
      lost: ledger.lost,
      duplicated: ledger.duplicated,
      reordered: ledger.reordered,
      stray: ledger.stray,
      unanswered: ledger.sent - ledger.replies,
      refused: ledger.refused,
      dropped: dropped.length,
    },
    why: dropped[0],
  };
}

const shape = { channels: GROUPS, batch: 1, size: 100 };

/** @param {number} index */
function nameOf(index) {
  return channelName(index % GROUPS);
}

/**
 * @typedef {object} Client
 * @property {typeof transports[number]} transport
 * @property {import('../../load/session.js').Session} session
 * @property {Publisher} publisher
 */

/**
 * Publishes for a while, and waits until the clients have received all of it.
 *
 * @param {Ledger} ledger
 * @param {readonly Client[]} clients
 * @param {number} pid The server's.
 * @param {number} seconds
 * @returns {Promise<Phase>}
 */
async function runPhase(ledger, clients, pid, seconds) {
  const all = histograms();
  const before = ledger.measured.deliveries;
  const meter = meterOf(pid);
  const minutes = [];
  for (let passed = 0; passed < seconds; passed += MINUTE) {
    const latency = histograms();
    for (const { session, transport } of clients)
      if (session.listener) session.listener.latency = latency[transport];
    minutes.push(await runMinute(ledger, clients, pid, Math.min(MINUTE, seconds - passed), latency));
    for (const transport of transports) all[transport].addAll(latency[transport]);
  }
  const delays = minutes.map(({ delay }) => delay);
  return {
    latency: quantilesOf(all),
    delay: {
      p99: Math.max(...delays.map(({ p99 }) => p99)),
      max: Math.max(...delays.map(({ max }) => max)),
    },
    memory: minutes.at(-1)?.memory ?? (await parent.ask('memory')),
    shares: await meter.stop(),
    minutes,
    deliveries: ledger.measured.deliveries - before,
  };
}

/**
 * @param {Ledger} ledger
 * @param {readonly Client[]} clients
 * @param {number} pid
 * @param {number} seconds
 * @param {ReturnType<typeof histograms>} latency
 * @returns {Promise<Figures>}
 */
async function runMinute(ledger, clients, pid, seconds, latency) {
  await parent.ask('delay');
  const meter = meterOf(pid);
  const metronomes = transports.map((transport) => {
    const publishers = clients
      .filter((client) => client.transport === transport)
      .map(({ publisher }) => publisher);
    return new Metronome(publishers, publishers.length * RATE);
  });
  ledger.measuring = true;
  await sleep(seconds * 1000);
  for (const metronome of metronomes) metronome.stop();
  const [delay, shares] = await Promise.all([parent.ask('delay'), meter.stop()]);
  await drained(ledger);
  // A forced collection stops the server: no delivery is timed meanwhile.
  ledger.measuring = false;
  return { latency: quantilesOf(latency), delay, shares, memory: await parent.ask('memory') };
}

/** @param {number} pid */
function meterOf(pid) {
  return new Meter(() => usageOf(pid, () => parent.ask('usage')));
}

function histograms() {
  return { websocket: new Histogram(), 'long-polling': new Histogram() };
}

/** @param {ReturnType<typeof histograms>} of */
function quantilesOf(of) {
  const quantiles = (/** @type {Histogram} */ one) => ({ p50: one.quantile(0.5), p99: one.quantile(0.99) });
  return { websocket: quantiles(of.websocket), 'long-polling': quantiles(of['long-polling']) };
}

/** Waits until each event has come, or none has come for a while. @param {Ledger} ledger */
async function drained(ledger) {
  let end = nowUs() + SILENCE * 1000;
  for (let seen = -1; (ledger.lost > 0 || ledger.replies < ledger.sent) && nowUs() < end; ) {
    if (ledger.delivered !== seen) end = nowUs() + SILENCE * 1000;
    seen = ledger.delivered;
    await sleep(20);
  }
}
