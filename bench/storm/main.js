import { startChild } from '../child.js';
import { CLIENTS, MAX_DELAY, MAX_TIME, MOST, RATE } from './bounds.js';

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when something did not hold, 2 for a flag, as there is none. */
async function main(argv) {
  if (argv.length > 0) {
    process.stderr.write('npm run bench:storm   all clients come back at once\n');
    return 2;
  }
  const { server, load } = await storm();
  process.stdout.write(render(server, load));
  const faults = faultsOf(server, load);
  for (const fault of faults) process.stderr.write(`bench: FAILED, ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}

async function storm() {
  const server = startChild('./storm/server.js', 0);
  const load = startChild('./storm/load.js', 1);
  try {
    const port = await server.ask('port');
    await server.ask('begin');
    const result = await load.ask('run', { port, patience: 2 * MAX_TIME });
    return { server: await server.ask('result'), load: result };
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** @param {any} server @param {any} load */
function render(server, load) {
  const lines = [
    `${2 * CLIENTS} clients come back at once; "limits.handshakes" is ${RATE}`,
    ...load.kinds.map(
      (/** @type {any} */ { title, back, failures, last }) =>
        `${title}: ${back} back, the last after ${seconds(last)} s; ${failures} refusals`,
    ),
    `most sessions in any second: ${server.most}`,
    `event-loop delay: p99 ${server.p99.toFixed(1)} ms, max ${server.max.toFixed(1)} ms`,
    `longest queue: ${server.longest}; refusals by option: ${JSON.stringify(server.refused)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** @param {any} server @param {any} load @returns {string[]} */
function faultsOf(server, load) {
  const back = load.kinds.reduce((/** @type {number} */ sum, /** @type {any} */ kind) => sum + kind.back, 0);
  return [
    ...(back < 2 * CLIENTS ? [`${2 * CLIENTS - back} clients are not back`] : []),
    ...(load.took > MAX_TIME ? [`all were back after ${seconds(load.took)} s`] : []),
    ...(server.most > MOST ? [`${server.most} sessions were opened in one second`] : []),
    ...(server.p99 > MAX_DELAY ? [`the event loop was late by ${server.p99.toFixed(1)} ms (p99)`] : []),
  ];
}

/** @param {number} ms */
function seconds(ms) {
  return (ms / 1000).toFixed(1);
}
