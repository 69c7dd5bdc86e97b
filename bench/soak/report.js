import { MAX_GROWTH, MAX_RATIO, MAX_WAITING } from './bounds.js';

/**
 * @typedef {object} Slow One slow reader.
 * @property {string} title
 * @property {number} published
 * @property {number} delivered
 * @property {number} announced Dropped events that the server announced.
 * @property {number} gaps Announcements of dropped events.
 * @property {number} misplaced Events whose number did not match the announcements before them.
 * @property {number} waiting Most events that waited for it.
 * @property {string} [lost] Why its session ended.
 *
 * @typedef {object} Result
 * @property {import('./load.js').Phase} before
 * @property {import('./load.js').Phase} after
 * @property {readonly Slow[]} slow
 * @property {Readonly<Record<string, number>>} fast
 */

/** The failed checks, in words. @param {Result} result */
export function faultsOf({ before, after, slow, fast }) {
  const { published, crowdedOut = 0, ...trouble } = fast;
  const faults = Object.entries(trouble).flatMap(([kind, count]) =>
    count === 0 ? [] : [`fast readers: ${count} of ${published} ${kind}`],
  );
  if (crowdedOut > 0) {
    faults.push(
      `fast readers: ${crowdedOut} of ${published} dropped, as more than ${MAX_WAITING} came in one turn of the event loop: this machine is too busy`,
    );
  }
  if (!(after.p99 <= before.p99 * MAX_RATIO)) {
    faults.push(`the fast readers' p99 became ${(after.p99 / before.p99).toFixed(2)} x what it was`);
  }
  if (after.rss - before.rss > MAX_GROWTH) faults.push(`memory grew by ${mib(after.rss - before.rss)}`);
  for (const [clientId, waiting] of Object.entries(after.waiting)) {
    if (waiting > MAX_WAITING) faults.push(`${waiting} events waited for one session (${clientId})`);
  }
  for (const { title, published, delivered, announced, misplaced, lost } of slow) {
    if (lost !== undefined) faults.push(`${title}: its session ended: ${lost}`);
    if (delivered + announced !== published)
      faults.push(`${title}: ${delivered} delivered + ${announced} announced is not ${published} published`);
    if (announced === 0) faults.push(`${title}: nothing was dropped, so nothing was shown`);
    if (misplaced > 0) faults.push(`${title}: ${misplaced} gaps were announced in the wrong place`);
  }
  return faults;
}

/** @param {Result} result */
export function render({ before, after, slow }) {
  const phase = (
    /** @type {string} */ title,
    /** @type {import('./load.js').Phase} */ { p50, p99, rss, shares },
  ) => [
    title,
    (p50 / 1000).toFixed(2),
    (p99 / 1000).toFixed(2),
    mib(rss),
    ...[shares.server, shares.load, shares.others].map((share) => `${Math.round(share * 100)} %`),
  ];
  const phases = [
    ['fast readers', 'p50 ms', 'p99 ms', 'RSS', 'server', 'load', 'others'],
    phase('without slow readers', before),
    phase('with slow readers', after),
  ];
  const readers = [
    ['slow readers', 'published', 'delivered', 'announced', 'gaps', 'most waiting'],
    ...slow.map(({ title, published, delivered, announced, gaps, waiting }) => [
      title,
      ...[published, delivered, announced, gaps, waiting].map((count) => count.toLocaleString('en')),
    ]),
  ];
  return `${table(phases)}\n\n${table(readers)}\n`;
}

/** Columns of text. @param {readonly (readonly string[])[]} lines */
export function table(lines) {
  const widths =
    lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((word, column) => (column ? word.padStart(widths[column] ?? 0) : word.padEnd(widths[0] ?? 0)))
        .join('  '),
    )
    .join('\n');
}

/** Whole MiB, in words. @param {number} bytes */
export function mib(bytes) {
  return `${Math.round(bytes / (1 << 20))} MiB`;
}
