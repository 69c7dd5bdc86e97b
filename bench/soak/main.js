import { startChild } from '../child.js';
import { faultsOf, render } from './report.js';

const MINUTE = 60;

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when a limit was exceeded, 2 for a wrong flag. */
async function main(argv) {
  const minutes = argv.length === 0 ? 10 : argv.length === 2 && argv[0] === '--minutes' ? Number(argv[1]) : 0;
  if (!(minutes > 0)) {
    process.stderr.write(
      'npm run bench:soak -- [--minutes N]   how long slow readers are read to (default 10)\n',
    );
    return 2;
  }
  const result = await soak(minutes * MINUTE);
  const faults = faultsOf(result);
  process.stdout.write(render(result));
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
