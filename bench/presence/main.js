import { startChild } from '../child.js';
import { CROWDS, GRACE, SECONDS } from './bounds.js';

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when something did not hold, 2 for a flag, as there is none. */
async function main(argv) {
  if (argv.length > 0) {
    process.stderr.write('npm run bench:presence   who is there, in a crowd that comes and goes\n');
    return 2;
  }
  /** @type {string[]} */
  const faults = [];
  for (const crowd of CROWDS) {
    const without = await measure(crowd, 'off');
    const measured = await measure(crowd, crowd.mode);
    const added = measured.share - without.share;
    process.stdout.write(render(crowd, measured, added));
    faults.push(...faultsOf(crowd, measured, added));
  }
  for (const fault of faults) process.stderr.write(`bench: FAILED, ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}

/** @param {import('./bounds.js').Crowd} crowd @param {'off' | 'total' | 'full'} mode */
async function measure({ users, perSecond }, mode) {
  const server = startChild('./presence/server.js', 0, {}, { MODE: mode });
  const load = startChild('./presence/load.js', 1);
  const isViewer = mode !== 'off';
  try {
    const port = await server.ask('port');
    // Nobody comes back before having left for good.
    const spare = 2 * perSecond * (GRACE / 1000);
    await load.ask('fill', { port, users, spare, isViewer });
    // What the crowd has been told of its coming has arrived by then.
    await new Promise((resolve) => setTimeout(resolve, 2 * GRACE));
    await server.ask('begin');
    const told = await load.ask('churn', { perSecond });
    return { ...(await server.ask('result')), told };
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** @param {import('./bounds.js').Crowd} crowd @param {any} measured @param {number} added */
function render({ mode, users, perSecond }, { share, p99, bytes, told }, added) {
  const what = mode === 'full' ? 'every change' : 'the number';
  const lines = [
    `${users} users, ${perSecond} come and ${perSecond} go a second; all are told ${what}`,
    `  ${percent(share)} of a core, of which presence adds ${percent(added)}; event-loop delay p99 ${p99.toFixed(1)} ms`,
    `  ${Math.round(told.events / SECONDS)} events a second; presence counts ${(bytes / 2 ** 20).toFixed(1)} MiB`,
  ];
  const { p50, p99: slow } = told;
  if (p50 > 0)
    lines.push(`  from the subscribe to the event: p50 ${p50.toFixed(1)} ms, p99 ${slow.toFixed(1)} ms`);
  return `${lines.join('\n')}\n`;
}

/** @param {import('./bounds.js').Crowd} crowd @param {any} measured @param {number} added @returns {string[]} */
function faultsOf({ users, mode, perSecond, maxShare = Number.POSITIVE_INFINITY }, { told }, added) {
  const most = users + 2 * perSecond * ((GRACE + 1000) / 1000);
  return [
    ...(added > maxShare ? [`${mode}: presence adds ${percent(added)} of a core`] : []),
    ...(told.total < users - perSecond || told.total > most ? [`${mode}: a total of ${told.total}`] : []),
    ...(mode === 'full' && told.events < 0.9 * told.changes * users
      ? [`${mode}: ${told.events} events`]
      : []),
  ];
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
