import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../child.js';
import { Balancer } from './balancer.js';
import { ALL, MOST, WINDOW } from './bounds.js';
import { Program } from './program.js';

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when something did not hold, 2 for a flag, as there is none. */
async function main(argv) {
  if (argv.length > 0) {
    process.stderr.write(
      'npm run bench:drain   a server is restarted behind a load balancer while its clients publish\n',
    );
    return 2;
  }
  const seen = await restart();
  process.stdout.write(render(seen));
  const faults = faultsOf(seen);
  for (const fault of faults) process.stderr.write(`bench: FAILED, ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}

/**
 * @typedef {object} Seen
 * @property {number | null} code
 * @property {number} took Time from SIGTERM to the exit. Milliseconds.
 * @property {number} notReadyAfter
 * @property {any} closed The line of the log.
 * @property {number[]} tenths Sessions opened on the new server in each tenth of the window.
 * @property {number} opened
 * @property {Record<string, number>} back Clients with a session on the new server at the end of the window, by kind.
 */

/** @returns {Promise<Seen>} */
async function restart() {
  const old = new Program();
  const programs = [old];
  const balancer = new Balancer(programs);
  const load = startChild('./drain/load.js', 1);
  try {
    const port = await balancer.listen();
    while (!(await old.isReady())) await sleep(50);
    await balancer.check();
    await load.ask('run', { port, path: '/bayeux' });
    while ((await old.metric('bayeuxd_sessions')) < ALL) await sleep(100);

    const began = performance.now();
    old.kill('SIGTERM');
    const next = new Program();
    programs.push(next);
    let took = 0;
    const ended = old.exited.then((code) => {
      took = performance.now() - began;
      return code;
    });
    while (await old.isReady()) await sleep(5);
    const notReadyAfter = performance.now() - began;
    const opened = [0];
    for (let tenth = 1; tenth <= 10; tenth += 1) {
      await sleep(began + (tenth * WINDOW) / 10 - performance.now());
      opened.push(next.port === 0 ? 0 : await next.metric('bayeuxd_sessions_opened_total'));
    }
    const back = await load.ask('back');
    const code = await ended;
    return {
      code,
      took,
      notReadyAfter,
      closed: old.lines.find(({ event }) => event === 'closed'),
      tenths: opened.slice(1).map((all, at) => all - (opened[at] ?? 0)),
      opened: opened.at(-1) ?? 0,
      back,
    };
  } finally {
    balancer.close();
    for (const program of programs) program.kill('SIGKILL');
    await load.stop();
  }
}

/** @param {Seen} seen */
function render({ code, took, notReadyAfter, closed, tenths, opened, back }) {
  const { sessions: before, left, ended, ms } = closed ?? {};
  return [
    `a server with ${ALL} clients that publish gets SIGTERM; "drain.window" is ${WINDOW}`,
    `not ready after ${notReadyAfter.toFixed(0)} ms; exit code ${code} after ${(took / 1000).toFixed(1)} s`,
    `its log: closed, ${before} sessions, ${left} left, ${ended} cut off, ${ms} ms`,
    `sessions opened on the next server, by tenth of the window: ${tenths.join(' ')}`,
    `${opened} in all; back at the end of the window: ${total(back)}`,
    ...Object.entries(back).map(([kind, count]) => `  ${kind}: ${count}`),
    '',
  ].join('\n');
}

/** @param {Seen} seen @returns {string[]} */
function faultsOf({ code, took, tenths, back, closed }) {
  const most = Math.max(...tenths);
  return [
    ...(code !== 0 ? [`the exit code was ${code}`] : []),
    ...(took > WINDOW ? [`the server took ${(took / 1000).toFixed(1)} s to end`] : []),
    ...(total(back) !== ALL ? [`${total(back)} of ${ALL} clients were back`] : []),
    ...(most > MOST * ALL ? [`${most} clients came back in one tenth of the window`] : []),
    ...(closed === undefined ? ['the log does not say how the close went'] : []),
  ];
}

/** @param {Record<string, number>} numbers */
function total(numbers) {
  return Object.values(numbers).reduce((sum, count) => sum + count, 0);
}
