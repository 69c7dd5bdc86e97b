import { sleep } from './clock.js';
import { Ledger } from './ledger.js';
import { Meter } from './meter.js';
import { channelName } from './publisher.js';
import { openSessions } from './session.js';

/** Sessions before the first reading, so that code is compiled and tables are allocated. */
const EARLY = 200;

/**
 * Measures the memory of an idle session: it is subscribed, and its connect is held.
 *
 * @param {import('../scenarios/index.js').Load} load
 * @param {import('./main.js').Surroundings} around
 */
export async function idle(load, around) {
  const site = { ...around.site, transport: load.transport, ledger: new Ledger(1) };
  const count = Math.round(load.sessions * around.scale);
  const meter = new Meter(around.usage);
  const early = await openSessions(site, EARLY, () => channelName(0));
  await sleep(300);
  const before = await around.memory();
  const sessions = await openSessions(site, count, () => channelName(0));
  await sleep(300);
  const after = await around.memory();
  const shares = await meter.stop();
  for (const session of [...early, ...sessions]) session.close();
  return {
    shares,
    bytes: (after.rss - before.rss) / count,
    heap: (after.heapUsed - before.heapUsed) / count,
    trouble: {},
  };
}
