import { startChild } from '../child.js';
import { median } from '../stats.js';

/** The time that a message to 1,000 users may take, in the middle. Milliseconds. */
const GOAL = 50;
const RECEIVERS = 1_000;
const ROUNDS = 200;
const WARMUP = 50;

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when the goal was missed, 2 for a flag, as there is none. */
async function main(argv) {
  if (argv.length > 0) {
    process.stderr.write('npm run bench:direct   one message to 1,000 users\n');
    return 2;
  }
  const online = await measured(RECEIVERS, 0);
  const offline = await measured(0, RECEIVERS);
  process.stdout.write(
    `one message to ${RECEIVERS} users, each with a WebSocket, and canSend asked about each\n` +
      `until the last has it: ${shown(online.received)}\n` +
      `until the sender has all receipts: ${shown(online.answered)}\n` +
      `to ${RECEIVERS} users who are offline, kept in memory, until the receipts: ${shown(offline.answered)}\n`,
  );
  const missed = [online.received, online.answered, offline.answered].some((times) => median(times) >= GOAL);
  if (missed) process.stderr.write(`bench: FAILED, the median is not under ${GOAL} ms\n`);
  return missed ? 1 : 0;
}

/** @param {number} receivers @param {number} offline @returns {Promise<{ received: number[], answered: number[] }>} */
async function measured(receivers, offline) {
  const server = startChild('./direct/server.js', 0);
  const load = startChild('./direct/load.js', 1);
  try {
    const port = await server.ask('port');
    const order = { port, receivers, offline, rounds: WARMUP + ROUNDS };
    const { received, answered } = await load.ask('run', order);
    return { received: received.slice(WARMUP), answered: answered.slice(WARMUP) };
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

/** @param {number[]} times */
function shown(times) {
  const p99 = times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? 0;
  return `median ${median(times).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
}
