import { mib, table } from '../report.js';
import { BUSY, HOSTILE_SHARE, MAX_GROWTH, MAX_RATIO, MAX_SLOPE, MIN_SAMPLES, SETTLING } from './bounds.js';

/**
 * @typedef {import('./honest.js').Phase} Phase
 *
 * @typedef {object} Result
 * @property {Phase} before Honest clients alone.
 * @property {Phase} mixed Beside hostile ones.
 * @property {Phase} after Alone again.
 * @property {import('./hostile.js').Deeds} hostile
 * @property {number} clients Honest ones.
 * @property {number} published
 * @property {Readonly<Record<string, number>>} trouble
 * @property {string} [why] Why the first lost session ended.
 */

const transports = /** @type {const} */ (['websocket', 'long-polling']);

/** The failed checks, in words. @param {Result} result */
export function faultsOf(result) {
  const { before, mixed, trouble, why, published, hostile } = result;
  const faults = Object.entries(trouble).flatMap(([kind, count]) =>
    count === 0
      ? []
      : [`honest clients: ${count} ${kind}, of ${published} published${why ? `: ${why}` : ''}`],
  );
  for (const transport of transports) {
    const ratio = ratioOf(result, transport);
    if (!(ratio <= MAX_RATIO))
      faults.push(
        `the honest clients' p99 over ${transport} became ${ratio.toFixed(2)} x what it was${busy(result)}`,
      );
  }
  const growth = Math.max(...mixed.minutes.map(({ memory }) => memory.rss)) - before.memory.rss;
  if (!(growth <= MAX_GROWTH)) faults.push(`memory grew by ${mib(growth)}`);
  const slope = slopeOf(mixed);
  if (slope !== undefined && slope > MAX_SLOPE) faults.push(`memory grew by ${kib(slope)} a minute`);
  const share = shareOf(result);
  if (share > 1.1 * HOSTILE_SHARE)
    faults.push(`the hostile clients took ${percent(share)} of the server's core`);
  for (const [kind, { got }] of Object.entries(hostile.kinds))
    if (Object.keys(got).length === 0) faults.push(`hostile clients: ${kind}: none was tried`);
  return faults;
}

/** @param {Result} result */
export function render(result) {
  const { before, mixed, after, hostile, clients, published, trouble } = result;
  const phases = [
    columns('honest clients'),
    row('alone', before),
    row('beside hostile ones', mixed),
    row('alone again', after),
  ];
  const minutes = [
    columns('minute'),
    ...mixed.minutes.map((minute, index) => row(`beside hostile ones, ${index + 1}`, minute)),
  ];
  const kinds = [
    ['hostile clients', 'tries/s', 'tries', 'got'],
    ...Object.entries(hostile.kinds).map(([kind, { tries, got }]) => [
      kind,
      (tries / hostile.seconds).toFixed(1),
      tries.toLocaleString('en'),
      words(got),
    ]),
  ];
  const ratios = transports.map((name) => `${ratioOf(result, name).toFixed(2)} x over ${name}`).join(', ');
  const tries = Object.values(hostile.kinds).reduce((sum, kind) => sum + kind.tries, 0);
  const slope = slopeOf(mixed);
  return [
    table(phases),
    '',
    table(minutes),
    '',
    `p99 beside hostile clients to p99 alone: ${ratios} (at most ${MAX_RATIO} x)`,
    slope === undefined
      ? 'memory: too few minutes for a slope'
      : `memory: slope ${kib(slope)} a minute (at most ${kib(MAX_SLOPE)})`,
    `${clients} honest clients: ${published.toLocaleString('en')} published; ${words(trouble)}`,
    `hostile clients: ${(tries / hostile.seconds).toFixed(0)} tries/s, ${percent(hostile.speed)} of their full rate; ${percent(shareOf(result))} of the server's core (at most ${percent(HOSTILE_SHARE)}), ${percent(hostile.load)} of the load's`,
    '',
    table(kinds),
    '',
  ].join('\n');
}

/** @param {string} title */
function columns(title) {
  const latencies = ['p50 ms WS', 'p99', 'p50 ms LP', 'p99'];
  return [title, ...latencies, 'loop p99 ms', 'max', 'server', 'load', 'others', 'RSS', 'heap'];
}

/** @param {string} title @param {import('./honest.js').Figures} figures */
function row(title, { latency, delay, shares, memory }) {
  const ms = (/** @type {number} */ us) => (us / 1000).toFixed(2);
  return [
    title,
    ...transports.flatMap((transport) => [ms(latency[transport].p50), ms(latency[transport].p99)]),
    ...[ms(delay.p99), ms(delay.max)],
    ...[shares.server, shares.load, shares.others].map(percent),
    ...[mib(memory.rss), mib(memory.heapUsed)],
  ];
}

/** @param {Result} result @param {typeof transports[number]} transport */
function ratioOf({ before, mixed }, transport) {
  return mixed.latency[transport].p99 / before.latency[transport].p99;
}

/** Whether other work of the machine was in the way, in words. @param {Result} result */
function busy({ mixed, hostile }) {
  const others = mixed.shares.others - hostile.load;
  return others > BUSY ? `: this machine is too busy, other processes used ${percent(others)} of a core` : '';
}

/** CPU time of the server because of hostile clients. Share of one core. @param {Result} result */
function shareOf({ before, mixed }) {
  return mixed.shares.server - before.shares.server;
}

/** Bytes per minute, by least squares. Undefined for few samples. @param {Phase} phase */
function slopeOf({ minutes }) {
  const samples = minutes.slice(SETTLING).map(({ memory }) => memory.rss);
  if (samples.length < MIN_SAMPLES) return undefined;
  const middle = (samples.length - 1) / 2;
  const spread = samples.reduce((sum, _, minute) => sum + (minute - middle) ** 2, 0);
  return samples.reduce((sum, rss, minute) => sum + (minute - middle) * rss, 0) / spread;
}

/** Counts by name, the largest first. @param {Readonly<Record<string, number>>} counts */
function words(counts) {
  return Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(', ');
}

/** @param {number} share */
function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** @param {number} bytes */
function kib(bytes) {
  return `${Math.round(bytes / 1024)} KiB`;
}
