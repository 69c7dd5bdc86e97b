import { cpus } from 'node:os';
import { helpText, readArguments, UsageError } from './arguments.js';
import { cellsOf } from './cells.js';
import { canPin } from './child.js';
import { runQuietly } from './run.js';
import { summarise } from './summary.js';
import { render, troubleText } from './table.js';

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when a message or a run was lost, 2 for invalid flags. */
async function main(argv) {
  try {
    const settings = readArguments(argv);
    if (settings === 'help') {
      process.stdout.write(helpText());
      return 0;
    }
    return await bench(settings);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return 2;
  }
}

/** @param {import('./arguments.js').Settings} settings */
async function bench(settings) {
  const machine = `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores`;
  const pinned = canPin ? 'server on core 0, load on core 1' : 'processes are not pinned: expect more noise';
  const method = `${settings.rounds} interleaved rounds of ${settings.seconds} s, medians; ${pinned}`;
  if (!settings.json) process.stdout.write(`${machine}\n${method}\n${leftOutText(settings)}`);
  const report = [];
  let failed = false;
  for (const scenario of settings.scenarios) {
    const cells = cellsOf(scenario, settings.servers);
    if (cells.length === 0) continue;
    const { rounds, broken } = await runRounds(scenario, cells, settings);
    const whole = cells.filter((cell) => !broken.has(cell));
    const rows = summarise(scenario, whole, rounds);
    if (broken.size > 0 || rows.some(({ trouble }) => Object.keys(trouble).length > 0)) failed = true;
    if (!settings.json) process.stdout.write(render(scenario, rows, broken));
    report.push({
      ...scenario,
      rows,
      broken: [...broken].map(([cell, error]) => ({ cell, error: error.message })),
    });
  }
  if (settings.json) {
    const { leftOut } = settings;
    process.stdout.write(`${JSON.stringify({ machine, method, leftOut, scenarios: report }, null, 2)}\n`);
  }
  if (failed) process.stderr.write('bench: FAILED, see above: messages or runs were lost\n');
  return failed ? 1 : 0;
}

/** A line about servers that are not measured; empty if all are. @param {import('./arguments.js').Settings} settings */
function leftOutText({ leftOut }) {
  const texts = leftOut.map(({ server, scenarios }) => `${server} of ${scenarios.join(', ')}`);
  return texts.length > 0 ? `left out: ${texts.join('; ')}\n` : '';
}

/**
 * Runs all servers once per round, every second round in reverse order. A server whose run failed is left out
 * of later rounds.
 *
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @param {readonly import('./cells.js').Cell[]} cells
 * @param {import('./arguments.js').Settings} settings
 */
async function runRounds(scenario, cells, settings) {
  /** @type {Map<import('./cells.js').Cell, Error>} */
  const broken = new Map();
  /** @type {Map<import('./cells.js').Cell, import('./run.js').Result>[]} */
  const rounds = [];
  for (let round = 0; round < settings.rounds; round++) {
    const results = new Map();
    for (const cell of round % 2 ? [...cells].reverse() : cells) {
      if (broken.has(cell)) continue;
      try {
        const result = await runQuietly(scenario, cell, settings);
        results.set(cell, result);
        progress(scenario.id, round, cell, describe(result));
      } catch (error) {
        broken.set(cell, error instanceof Error ? error : new Error(String(error)));
        progress(scenario.id, round, cell, `BROKEN: ${error}`);
      }
    }
    rounds.push(results);
  }
  const whole = cells.filter((cell) => !broken.has(cell));
  return { broken, rounds: rounds.map((results) => whole.flatMap((cell) => results.get(cell) ?? [])) };
}

/** @param {string} id @param {number} round @param {import('./cells.js').Cell} cell @param {string} text */
function progress(id, round, cell, text) {
  process.stderr.write(`${id} round ${round + 1}, ${cell.title}: ${text}\n`);
}

/** @param {import('./run.js').Result} result */
function describe({ rate, bytes, shares, trouble }) {
  const figure = rate === undefined ? `${Math.round(bytes ?? 0)} bytes` : `${Math.round(rate)}/s`;
  const bad = troubleText(Object.fromEntries(Object.entries(trouble).filter(([, count]) => count !== 0)));
  const loads = `server ${Math.round(shares.server * 100)} %, load ${Math.round(shares.load * 100)} %`;
  return `${figure}, ${loads}${bad && `, FAILED: ${bad}`}`;
}
