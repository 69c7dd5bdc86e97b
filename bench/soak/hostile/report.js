import { mib, table } from '../report.js';
import { HOSTILE_SHARE, MAX_GROWTH, MAX_RATIO, MAX_SLOPE, MIN_SAMPLES, SETTLING } from './bounds.js';

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
      faults.push(`the honest clients' p99 over ${transport} became ${ratio.toFixed(2)} x what it was`);
  }
  const growth = Math.max(...mixed.memory.map(({ rss }) => rss)) - lastOf(before).rss;
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
    [
      'honest clients',
      'p50 ms WS',
      'p99',
      'p50 ms LP',
      'p99',
      'deliveries/s',
      'server',
      'load',
      'others',
      'loop p99 ms',
      'max',
    ],
    phaseOf('alone', before),
    phaseOf('beside hostile ones', mixed, hostile.load),
    phaseOf('alone again', after),
  ];
  const slope = slopeOf(mixed);
  const flat = slope === undefined ? 'too few minutes for a slope' : `slope ${kib(slope)} a minute`;
  const memory = [
    ['memory after collection', 'RSS', 'heap'],
    ...[before, mixed, after].flatMap((phase, index) =>
      phase.memory.map(({ rss, heapUsed }, minute) => [
        `${['alone', 'beside hostile ones', 'alone again'][index]}, ${minute + 1}`,
        mib(rss),
        mib(heapUsed),
      ]),
    ),
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
  return [
    table(phases),
    `p99 beside hostile clients to alone: ${ratios}`,
    `${clients} honest clients published ${published.toLocaleString('en')}: ${words(trouble)}`,
    '',
    table(memory),
    flat,
    '',
    table(kinds),
    `hostile clients: ${(tries / hostile.seconds).toFixed(0)} tries/s at ${percent(hostile.speed)} of their full rate, ` +
      `${percent(shareOf(result))} of the server's core (at most ${percent(HOSTILE_SHARE)}), ${percent(hostile.load)} of the load's`,
    '',
  ].join('\n');
}

/** @param {string} title @param {Phase} phase @param {number} [hostileLoad] */
function phaseOf(title, { latency, deliveries, delay, shares }, hostileLoad = 0) {
  const ms = (/** @type {number} */ us) => (us / 1000).toFixed(2);
  return [
    title,
    ...transports.flatMap((transport) => [ms(latency[transport].p50), ms(latency[transport].p99)]),
    (deliveries / shares.seconds).toFixed(0),
    ...[shares.server, shares.load + hostileLoad, shares.others - hostileLoad].map(percent),
    ...[ms(delay.p99), ms(delay.max)],
  ];
}

/** @param {Result} result @param {typeof transports[number]} transport */
function ratioOf({ before, mixed }, transport) {
  return mixed.latency[transport].p99 / before.latency[transport].p99;
}

/** CPU time of the server because of hostile clients. Share of one core. @param {Result} result */
function shareOf({ before, mixed }) {
  return mixed.shares.server - before.shares.server;
}

/** Bytes per minute, by least squares. Undefined for few samples. @param {Phase} phase */
function slopeOf({ memory }) {
  const samples = memory.slice(SETTLING).map(({ rss }) => rss);
  if (samples.length < MIN_SAMPLES) return undefined;
  const middle = (samples.length - 1) / 2;
  const spread = samples.reduce((sum, _, minute) => sum + (minute - middle) ** 2, 0);
  return samples.reduce((sum, rss, minute) => sum + (minute - middle) * rss, 0) / spread;
}

/** @param {Phase} phase */
function lastOf({ memory }) {
  return memory.at(-1) ?? { rss: Number.NaN, heapUsed: Number.NaN };
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
