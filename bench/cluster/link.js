// The cost of a request that reaches another node than that of its session, beside the same request at that node itself:
// time at 1 in flight, and CPU of both nodes together at 32. The same through Redis, where there is a redis-server.
import { fork } from 'node:child_process';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { pinThreads } from '../child.js';
import { startRedis } from './redis.js';

const ROUNDS = 15;
const SECONDS = 0.6;
const IN_FLIGHT = 32;
// What it must not cost more than: microseconds of CPU, and milliseconds.
const MOST_CPU = 25;
const MOST_ADDED = 0.2;

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv @returns {Promise<number>} The exit code: 1 when a goal was missed, 2 for a flag, as there is none. */
async function main(argv) {
  pinThreads(process.pid, { main: 1, others: 1 });
  if (argv.length > 0) {
    process.stderr.write('npm run bench:cluster   the cost of a forwarded request\n');
    return 2;
  }
  process.stdout.write(`a publish of one message by HTTP, median of ${ROUNDS} rounds\n`);
  const linked = await Promise.all([start(), start()]);
  const infos = linked.map(({ name, link }) => ({ name, link }));
  await Promise.all(linked.map(({ ask }) => ask({ is: 'nodes', nodes: infos })));
  const faults = report(await measured(linked));
  const redis = await startRedis();
  if (redis === undefined)
    process.stdout.write('there is no redis-server: nothing is measured through Redis\n');
  else {
    process.stdout.write('the same through Redis; its own CPU is counted too\n');
    report(await measured([await start(redis.url), await start(redis.url)], redis.cpu));
    redis.stop();
  }
  for (const fault of faults) process.stderr.write(`bench: FAILED, ${fault}\n`);
  return faults.length > 0 ? 1 : 0;
}

/** @typedef {{ p50: number, cpu: number, rate: number }} Measured */
/** @typedef {Awaited<ReturnType<typeof start>>} Node */

/**
 * Measures both ways, and stops the nodes. `more`: microseconds of CPU that something else took.
 * @param {readonly Node[]} nodes @param {() => Promise<number>} [more]
 */
async function measured(nodes, more) {
  const [owner, edge] = nodes;
  if (owner === undefined || edge === undefined) throw new Error('no nodes');
  try {
    const clientId = await shakeHands(owner.port);
    const body = JSON.stringify([{ channel: '/bench', clientId, data: { n: 1 } }]);
    // Warm up.
    for (const { port } of nodes) await load(port, body, IN_FLIGHT, 1);
    /** @type {{ local: Measured[], forwarded: Measured[] }} */
    const all = { local: [], forwarded: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      all.local.push(await measure(nodes, owner.port, body, more));
      all.forwarded.push(await measure(nodes, edge.port, body, more));
    }
    return all;
  } finally {
    for (const { stop } of nodes) stop();
  }
}

/** @param {string[]} redis The URL of a Redis; none for nodes with links. */
async function start(...redis) {
  const child = fork(fileURLToPath(new URL('node.js', import.meta.url)), redis);
  /** @param {object} message @returns {Promise<any>} */
  const ask = (message) =>
    new Promise((resolve) => {
      child.once('message', resolve);
      child.send(message);
    });
  const { name, link, port } = await ask({ is: 'open' });
  // On cores of their own the nodes and the load would take turns at random, and each wake-up of an idle core costs some microseconds.
  pinThreads(child.pid ?? 0, { main: 0, others: 0 });
  return { name, link, port, ask, stop: () => void child.kill() };
}

/** @param {readonly Node[]} nodes @param {number} port @param {string} body @param {() => Promise<number>} more @returns {Promise<Measured>} */
async function measure(nodes, port, body, more = async () => 0) {
  const alone = await load(port, body, 1, SECONDS);
  const before = (await cpuOf(nodes)) + (await more());
  const many = await load(port, body, IN_FLIGHT, SECONDS);
  const cpu = ((await cpuOf(nodes)) + (await more()) - before) / many.length;
  return { p50: median(alone), cpu, rate: many.length / SECONDS };
}

/** Microseconds of all nodes. @param {readonly Node[]} nodes */
async function cpuOf(nodes) {
  const all = await Promise.all(nodes.map(({ ask }) => ask({ is: 'cpu' })));
  return all.reduce((sum, { user, system }) => sum + user + system, 0);
}

/** The times of all requests, in milliseconds. @param {number} port @param {string} body @param {number} inFlight @param {number} seconds */
async function load(port, body, inFlight, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const end = performance.now() + seconds * 1000;
  /** @type {number[]} */
  const times = [];
  const one = async () => {
    while (performance.now() < end) {
      const began = performance.now();
      await post(port, body, agent);
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  agent.destroy();
  return times;
}

/** @param {number} port @param {string} body @param {Agent} [agent] @returns {Promise<string>} */
function post(port, body, agent) {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'User-Agent':
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      'Accept-Language': 'en-GB,en;q=0.9',
      Cookie: 'BAYEUX_BROWSER=0123456789abcdef0123456789abcdef01234567; theme=dark',
    };
    const asked = request(
      { host: '127.0.0.1', port, path: '/bayeux', method: 'POST', agent, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        response.on('end', () => {
          if (response.statusCode === 200 && text.includes('"successful":true')) resolve(text);
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** @param {number} port */
async function shakeHands(port) {
  const handshake = {
    channel: '/meta/handshake',
    version: '1.0',
    supportedConnectionTypes: ['long-polling'],
  };
  const [reply] = JSON.parse(await post(port, JSON.stringify([handshake])));
  // Beyond the end of the bench.
  const advice = { timeout: 0 };
  await post(
    port,
    JSON.stringify([
      { channel: '/meta/connect', clientId: reply.clientId, connectionType: 'long-polling', advice },
    ]),
  );
  return reply.clientId;
}

/** Prints it. Returns what is above its goal. @param {{ local: Measured[], forwarded: Measured[] }} measured @returns {string[]} */
function report({ local, forwarded }) {
  /** @param {readonly Measured[]} all @param {keyof Measured} name */
  const of = (all, name) => median(all.map((one) => one[name]));
  // Of each round, so that a slow moment of the machine hits both.
  /** @param {keyof Measured} name */
  const more = (name) => median(forwarded.map((one, round) => one[name] - (local[round]?.[name] ?? 0)));
  const added = more('p50');
  const cpu = more('cpu');
  const line = (/** @type {string} */ name, /** @type {Measured[]} */ all) =>
    `  ${name}  p50 ${of(all, 'p50').toFixed(3)} ms at 1 in flight; ${of(all, 'cpu').toFixed(1)} us of CPU, ${Math.round(of(all, 'rate'))} a second at ${IN_FLIGHT}\n`;
  process.stdout.write(
    `${line('at the node of the session', local)}${line('at another node           ', forwarded)}  forwarding adds ${added.toFixed(3)} ms and ${cpu.toFixed(1)} us on all processes together\n`,
  );
  return [
    ...(cpu > MOST_CPU ? [`forwarding takes ${cpu.toFixed(1)} us of CPU, above ${MOST_CPU}`] : []),
    ...(added > MOST_ADDED ? [`forwarding adds ${added.toFixed(3)} ms, above ${MOST_ADDED}`] : []),
  ];
}

/** @param {readonly number[]} numbers */
function median(numbers) {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;
}
