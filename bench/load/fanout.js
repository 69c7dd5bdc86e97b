import { nowUs, sleep } from './clock.js';
import { Churn, openBallast } from './company.js';
import { Ledger } from './ledger.js';
import { Meter } from './meter.js';
import { channelName, Publisher } from './publisher.js';
import { Metronome, Pump } from './pump.js';
import { openSessions } from './session.js';

/** Time without any message after which missing ones count as lost. Milliseconds. */
const SILENCE = 5000;

/**
 * Publishers send to channels with subscribers, in a closed loop with `window` publishes in flight, or at a
 * fixed rate. Without subscribers a publish is complete when it is answered.
 *
 * @param {import('../scenarios/index.js').Load} load
 * @param {import('./main.js').Surroundings} around
 */
export async function fanout(load, around) {
  const streams = Math.max(load.channels, load.publishers);
  const ledger = new Ledger(streams);
  const site = { ...around.site, transport: load.transport, speaks: load.speaks, ledger };

  const ballast = await openBallast(site, load.ballast);
  const subscribers = await openSessions(site, load.subscribers, (index) => patternOf(load, index));
  for (const [index, session] of subscribers.entries()) {
    session.listener = ledger.listener(streamsOf(load, index, streams));
  }
  const publishers = await openPublishers(site, load, streams);
  // The warm-up sends one request after another: at a slow rate, the code would still be cold at its end.
  const warming = new Pump(ledger, publishers, load.rate > 0 ? { ...load, window: load.batch } : load);
  const churn = await Churn.open(site, load.churn);

  await sleep(around.warmup * 1000);
  const pump = load.rate > 0 ? await atRate(load.rate, warming, publishers, ledger) : warming;
  ledger.measuring = true;
  const meter = new Meter(around.usage);
  await sleep(around.seconds * 1000);
  ledger.measuring = false;
  const shares = await meter.stop();
  churn.stop();
  pump.stop();
  await drained(ledger, site.dialect !== 'raw');

  for (const session of [...subscribers, ...ballast, ...churn.sessions]) session.close();
  const count = load.subscribers > 0 ? ledger.measured.deliveries : ledger.measured.completed;
  return {
    shares,
    rate: count / shares.seconds,
    p50: ledger.latency.quantile(0.5),
    p99: ledger.latency.quantile(0.99),
    trouble: {
      lost: ledger.lost,
      duplicated: ledger.duplicated,
      reordered: ledger.reordered,
      stray: ledger.stray,
      unanswered: site.dialect === 'raw' ? 0 : ledger.sent - ledger.replies,
      refused: ledger.refused,
      stalled: count === 0 ? 1 : 0,
    },
  };
}

/**
 * Ends the warm-up, and starts to publish at a fixed rate when all messages in flight have arrived.
 *
 * @param {number} rate
 * @param {Pump} warming
 * @param {Publisher[]} publishers
 * @param {Ledger} ledger
 */
async function atRate(rate, warming, publishers, ledger) {
  warming.stop();
  await drained(ledger, false);
  return new Metronome(publishers, rate);
}

/** @param {import('../scenarios/index.js').Load} load @param {number} index */
function patternOf({ pattern, channels }, index) {
  if (pattern === 'wild') return index % 2 ? '/bench/**' : '/bench/*';
  return channelName(index % channels);
}

/** @param {import('../scenarios/index.js').Load} load @param {number} index @param {number} streams */
function streamsOf({ pattern, channels }, index, streams) {
  const all = Array.from({ length: streams }, (_, stream) => stream);
  return pattern === 'wild' ? all : all.filter((stream) => stream % channels === index % channels);
}

/**
 * @param {import('./session.js').Site} site
 * @param {import('../scenarios/index.js').Load} load
 * @param {number} streams
 */
async function openPublishers(site, load, streams) {
  const sessions = await openSessions(site, load.publishers, () => undefined);
  return sessions.map((session, index) => {
    const own = Array.from({ length: streams }, (_, stream) => stream).filter(
      (s) => s % load.publishers === index,
    );
    // A raw server also sends a message back to its sender.
    if (site.dialect === 'raw') session.listener = site.ledger.listener(streamsOf(load, 0, streams));
    return new Publisher(site, session, own, load);
  });
}

/**
 * Waits until all messages have arrived, or none arrive any more. Then waits a little longer for duplicates.
 *
 * @param {Ledger} ledger
 * @param {boolean} answered Whether the server answers publishes.
 */
async function drained(ledger, answered) {
  let seen = 0;
  let since = nowUs();
  while (ledger.lost > 0 || (answered && ledger.replies < ledger.sent)) {
    const now = nowUs();
    if (ledger.delivered + ledger.replies !== seen) since = now;
    else if (now - since > SILENCE * 1000) break;
    seen = ledger.delivered + ledger.replies;
    await sleep(20);
  }
  await sleep(100);
}
