import { parseArgs } from 'node:util';
import { startChild } from '../child.js';
import * as hostile from './hostile/report.js';
import { soakHostile } from './hostile/soak.js';
import { faultsOf, render } from './report.js';

const MINUTE = 60;

const usage = `npm run bench:soak -- [--hostile] [--minutes N]
  --hostile     hostile clients beside honest ones, instead of slow readers beside fast ones
  --minutes N   how long they are there (default 10)
`;

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when a limit was exceeded, 2 for a wrong flag. */
async function main(argv) {
  const flags = flagsOf(argv);
  if (flags === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  const seconds = flags.minutes * MINUTE;
  if (flags.hostile) {
    const result = await soakHostile(seconds);
    return end(hostile.render(result), hostile.faultsOf(result));
  }
  const result = await soak(seconds);
  return end(render(result), faultsOf(result));
}

/** @param {readonly string[]} argv Undefined if it is wrong. */
function flagsOf(argv) {
  try {
    const options = /** @type {const} */ ({
      hostile: { type: 'boolean' },
      minutes: { type: 'string', default: '10' },
    });
    const { values } = parseArgs({ args: [...argv], options });
    const minutes = Number(values.minutes);
    return minutes > 0 ? { minutes, hostile: values.hostile === true } : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} report @param {readonly string[]} faults */
function end(report, faults) {
  process.stdout.write(report);
  for (const fault of faults) process.stderr.write(`bench: FAILED, ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}

/** @param {number} seconds @returns {Promise<import('./report.js').Result>} */
async function soak(seconds) {
  const server = startChild('./soak/server.js', 0);
  const load = startChild('./soak/load.js', 1, {
    usage: () => server.ask('usage'),
    sample: () => server.ask('sample'),
  });
  try {
    const port = await server.ask('port');
    return await load.ask('run', { port, pid: server.pid, baseline: Math.min(MINUTE, seconds), seconds });
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}
