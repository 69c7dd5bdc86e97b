import { Histogram } from '../stats.js';
import { sleep } from './clock.js';
import { Ledger } from './ledger.js';
import { Meter } from './meter.js';
import { channelName } from './publisher.js';
import { openSessions } from './session.js';

/** Time for the server to close the sessions of the warm-up. Milliseconds. */
const PARTING = 500;

/**
 * Measures arriving clients: each opens its own connection, and does handshake, subscribe and first connect.
 * As many clients arrive and leave before the measurement, to warm up the code.
 *
 * @param {import('../scenarios/index.js').Load} load
 * @param {import('./main.js').Surroundings} around
 */
export async function arrivals(load, around) {
  const site = { ...around.site, transport: load.transport, ledger: new Ledger(1) };
  const count = Math.round(load.sessions * around.scale);
  const early = await openSessions(site, count, () => channelName(0));
  for (const session of early) session.close();
  await sleep(PARTING);
  const took = new Histogram();
  const meter = new Meter(around.usage);
  const sessions = await openSessions(
    site,
    count,
    () => channelName(0),
    (_, us) => took.add(us),
  );
  const shares = await meter.stop();
  for (const session of sessions) session.close();
  return {
    shares,
    rate: count / shares.seconds,
    p50: took.quantile(0.5),
    p99: took.quantile(0.99),
    trouble: {},
  };
}
