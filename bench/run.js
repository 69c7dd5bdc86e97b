import { kindOf } from './cells.js';
import { startChild } from './child.js';
import { loadOf } from './scenarios/index.js';

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const REPEATS = 2;
/** Share of its core from which on a process is at its limit. */
const SATURATED = 0.95;

/**
 * The result of one run.
 *
 * @typedef {object} Result
 * @property {import('./load/meter.js').Shares} shares
 * @property {number} [rate] Per second, of the scenario's unit.
 * @property {number} [cpu] CPU time of the server per unit. Microseconds.
 * @property {number} [p50] Microseconds.
 * @property {number} [p99] Microseconds.
 * @property {number} [bytes] RSS per session.
 * @property {number} [heap] Bytes of JavaScript heap per session.
 * @property {Record<string, number>} trouble
 * @property {string} [why] Why the first lost session ended.
 * @property {boolean} saturated The load generator reached its limit before the server.
 */

/**
 * Repeats a run, twice at most, until the machine was quiet, and returns the quietest. A run that lost
 * messages is always returned. Runs that measure memory are not repeated: noise does not change them.
 *
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @param {import('./cells.js').Cell} cell
 * @param {import('./arguments.js').Settings} settings
 */
export async function runQuietly(scenario, cell, settings) {
  const quiet = scenario.compare.includes('bytes') ? Number.POSITIVE_INFINITY : settings.quiet;
  let best = await run(scenario, cell, settings);
  for (let repeat = 0; repeat < REPEATS && best.shares.others > quiet && !inTrouble(best); repeat++) {
    const again = await run(scenario, cell, settings);
    if (inTrouble(again) || again.shares.others < best.shares.others) best = again;
  }
  return best;
}

/** @param {Result} result */
function inTrouble({ trouble }) {
  return Object.values(trouble).some((count) => count > 0);
}

/** @param {import('./scenarios/index.js').Scenario} scenario @param {import('./cells.js').Cell} cell @param {import('./arguments.js').Settings} settings @returns {Promise<Result>} */
async function run(scenario, cell, { seconds, warmup, scale, before }) {
  const kind = kindOf(scenario, cell.server);
  if (!kind) throw new Error(`no server ${cell.server}`);
  const load = loadOf(scenario, cell.own);
  const build = cell.server === 'before' && before ? { BENCH_BUILD: before } : {};
  const server = startChild(kind.script, SERVER_CORE, {}, { ...build, BENCH_FEATURE: load.feature });
  const generator = startChild('./load/main.js', LOAD_CORE, {
    usage: () => server.ask('usage'),
    memory: () => server.ask('memory'),
  });
  try {
    const port = await server.ask('port');
    const order = { load, port, pid: server.pid, dialect: kind.dialect, seconds, warmup, scale };
    const result = await generator.ask('run', order);
    const { shares, rate } = result;
    const saturated = shares.load > SATURATED && shares.server < SATURATED;
    return { ...result, ...(rate ? { cpu: (shares.server * 1e6) / rate } : {}), saturated };
  } finally {
    await Promise.all([server.stop(), generator.stop()]);
  }
}
