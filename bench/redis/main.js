// What a publish costs Redis, with three nodes that want its channel: see README.md.
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { pinThreads } from '../child.js';
import { median } from '../stats.js';
import { LEAST_RATE, MOST_CPU, MOST_RATIO, MOST_TIME } from './bounds.js';
import { received, subscribe, withNodes } from './cluster.js';
import { startRedis } from './redis-server.js';

const SUBSCRIBERS = [10, 100, 1_000, 10_000];
/** A publish to 10,000 takes Faye's engine more time than there is between two. */
const SUBSCRIBERS_OF_FAYE = [10, 100, 1_000];
const PER_SECOND = 10;
const OTHERS = 10_000;
const ROUNDS = 3;
/** How long Redis is watched without any publish, to leave out what nodes do anyway. Milliseconds. */
const IDLE = 3_000;

const usage = `npm run bench:redis                    what a publish costs Redis with three nodes
npm run bench:redis -- --quick         does it run at all? (do not quote these figures)
npm run bench:redis -- --only flight   in flight, with other patterns, time, rate
npm run bench:redis -- --only flat     as sessions grow, beside Faye
`;

/** @typedef {Awaited<ReturnType<typeof startRedis>>} Redis */
/** @typedef {readonly import('../child.js').Child[]} Nodes */

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when a goal was missed, 2 for an unknown flag. */
async function main(argv) {
  const isQuick = argv.includes('--quick');
  const only = argv.includes('--only') ? argv[argv.indexOf('--only') + 1] : undefined;
  const known = [
    ...(isQuick ? ['--quick'] : []),
    ...(only === 'flight' || only === 'flat' ? ['--only', only] : []),
  ];
  if (argv.length !== known.length) {
    process.stderr.write(usage);
    return 2;
  }
  const redis = await startRedis();
  try {
    const faults = [
      ...(only === 'flat' ? [] : await flight(redis, isQuick ? 2_000 : 50_000)),
      ...(only === 'flight' ? [] : await flat(redis, isQuick ? 20 : 100)),
    ];
    for (const fault of faults) process.stderr.write(`bench: FAILED, ${fault}\n`);
    return faults.length > 0 ? 1 : 0;
  } finally {
    await redis.stop();
  }
}

/**
 * One session on each node, and one node that publishes as fast as it can.
 *
 * @param {Redis} redis @param {number} count
 */
async function flight(redis, count) {
  print(
    'in flight | other patterns | us CPU of Redis | us in scripts | publishes a batch | p50 ms | publishes/s',
  );
  return withNodes(redis, './redis/node.js', async (nodes) => {
    await subscribe(nodes, nodes.length);
    await measure(redis, nodes, count, 32);
    /** @type {string[]} */
    const faults = [];
    /** @type {Map<number, number>} */
    const alone = new Map();
    for (const others of [0, OTHERS]) {
      if (others > 0)
        await Promise.all(nodes.map(({ ask }, at) => ask('others', partOf(others, at, nodes.length))));
      for (const inFlight of [128, 32, 8, 1]) {
        const { cpu, scripts, batch, p50, rate } = await measure(
          redis,
          nodes,
          inFlight === 1 ? count / 5 : count,
          inFlight,
        );
        print(
          [
            inFlight,
            others,
            cpu.toFixed(1),
            scripts.toFixed(1),
            batch.toFixed(1),
            p50.toFixed(2),
            Math.round(rate),
          ].join(' | '),
        );
        if (others === 0) alone.set(inFlight, cpu);
        else
          faults.push(
            ...over(
              `${OTHERS} other patterns at ${inFlight} in flight`,
              cpu / (alone.get(inFlight) ?? cpu),
              MOST_RATIO,
            ),
          );
        if (others > 0) continue;
        faults.push(...over(`us of CPU for a publish at ${inFlight} in flight`, cpu, MOST_CPU.get(inFlight)));
        if (inFlight === 1) faults.push(...over('ms for a publish at 1 in flight', p50, MOST_TIME));
        if (inFlight === 128 && rate < LEAST_RATE)
          faults.push(`one node published ${Math.round(rate)} a second, below ${LEAST_RATE}`);
      }
    }
    return faults;
  });
}

/** The median of some rounds. @param {Redis} redis @param {Nodes} nodes @param {number} count @param {number} inFlight */
async function measure(redis, nodes, count, inFlight) {
  const all = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    let [p50, rate] = [0, 0];
    const used = await during(redis, async () => {
      ({ p50, rate } = await nodes[0].ask('publishAll', { count, inFlight }));
    });
    all.push({ cpu: used.cpu / count, scripts: used.scripts / count, batch: count / used.calls, p50, rate });
  }
  const of = (/** @type {'cpu' | 'scripts' | 'batch' | 'p50' | 'rate'} */ key) =>
    median(all.map((one) => one[key]));
  return { cpu: of('cpu'), scripts: of('scripts'), batch: of('batch'), p50: of('p50'), rate: of('rate') };
}

/**
 * More and more sessions at one rate.
 *
 * @param {Redis} redis @param {number} count
 */
async function flat(redis, count) {
  // What nodes do with an event is not to take the caches of Redis.
  pinThreads(redis.pid, { main: 0, others: 0 });
  print(`\n${PER_SECOND} publishes a second:`);
  print('subscribers | us CPU of Redis for a publish | commands for a publish | events that did not come');
  print('bayeuxd');
  const ours = await grow(redis, './redis/node.js', SUBSCRIBERS, count);
  if (existsSync(new URL('faye/node_modules', import.meta.url))) {
    print('Faye 1.4.3 with faye-redis 0.2.0');
    await grow(redis, './redis/faye/node.js', SUBSCRIBERS_OF_FAYE, count);
  } else print('Faye is left out: npm --prefix bench/redis/faye ci');
  const costs = ours.map(({ cost }) => cost);
  return [
    ...over(
      `sessions from ${SUBSCRIBERS[0]} to ${SUBSCRIBERS.at(-1)}`,
      Math.max(...costs) / Math.min(...costs),
      MOST_RATIO,
    ),
    ...ours.flatMap(({ lost }) => over('events that did not come', lost, 0)),
  ];
}

/** @param {Redis} redis @param {'./redis/node.js' | './redis/faye/node.js'} script @param {readonly number[]} numbers @param {number} count */
async function grow(redis, script, numbers, count) {
  const work = async (/** @type {Nodes} */ nodes) => {
    /** @type {{ cost: number, lost: number }[]} */
    const rows = [];
    let subscribers = 0;
    for (const number of numbers) {
      await subscribe(nodes, number - subscribers);
      subscribers = number;
      // Warm up.
      const first = await received(nodes, 0);
      await nodes[0].ask('publishAtRate', { count: PER_SECOND, perSecond: PER_SECOND });
      const before = await received(nodes, first + PER_SECOND * subscribers);
      /** @type {{ cpu: number, commands: number }[]} */
      const rounds = [];
      let got = before;
      for (let round = 1; round <= ROUNDS; round += 1) {
        const idle = await during(redis, () => pause(IDLE));
        const used = await during(redis, async () => {
          await nodes[0].ask('publishAtRate', { count, perSecond: PER_SECOND });
          got = await received(nodes, before + round * count * subscribers);
        });
        const each = (/** @type {'cpu' | 'commands'} */ key) =>
          (used[key] - (idle[key] / idle.ms) * used.ms) / count;
        rounds.push({ cpu: each('cpu'), commands: each('commands') });
      }
      const cost = median(rounds.map(({ cpu }) => cpu));
      const commands = median(rounds.map((one) => one.commands));
      const lost = before + ROUNDS * count * subscribers - got;
      rows.push({ cost, lost });
      print([number, cost.toFixed(0), commands.toFixed(1), lost].join(' | '));
    }
    return rows;
  };
  return withNodes(redis, script, work, 1);
}

/**
 * What Redis used while something was done, and how many milliseconds that took.
 *
 * @param {Redis} redis @param {() => Promise<unknown>} work
 */
async function during(redis, work) {
  const before = await redis.usage();
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  const after = await redis.usage();
  return {
    ms,
    cpu: after.cpu - before.cpu,
    scripts: after.scripts - before.scripts,
    calls: after.calls - before.calls,
    commands: after.commands - before.commands,
  };
}

/** @param {number} count @param {number} at @param {number} parts */
function partOf(count, at, parts) {
  const from = Math.floor((count * at) / parts);
  return { from, count: Math.floor((count * (at + 1)) / parts) - from };
}

/** @param {string} what @param {number} value @param {number | undefined} most @returns {string[]} */
function over(what, value, most) {
  if (most === undefined || value <= most) return [];
  return [`${what}: ${value.toFixed(2)}, above ${most}`];
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
