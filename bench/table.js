import { judge } from './summary.js';

/** Share of a core that other processes may use before a figure counts as noisy. */
const NOISY = 0.1;

/**
 * The table of a scenario, with remarks below it.
 *
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @param {readonly import('./summary.js').Row[]} rows
 * @param {ReadonlyMap<import('./cells.js').Cell, Error>} broken Failed cells, without a row.
 */
export function render(scenario, rows, broken) {
  const columns = columnsOf(scenario).filter(({ cell }) => rows.some((row) => cell(row) !== ''));
  const lines = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ cell }) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((word, column) => (column ? word.padStart(widths[column] ?? 0) : word.padEnd(widths[0] ?? 0)))
      .join('  '),
  );
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return [`\n${scenario.id}: ${scenario.title}`, ...text, ...remarks(scenario, rows, broken), ''].join('\n');
}

/**
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @returns {{ head: string, cell(row: import('./summary.js').Row): string }[]}
 */
function columnsOf({ unit: [one, many], compare }) {
  const ratio =
    (/** @type {'faye' | 'ceiling' | 'own' | 'before'} */ against) =>
    (/** @type {import('./summary.js').Row} */ row) =>
      compare
        .flatMap((measure) => row.ratios[against]?.[measure] ?? [])
        .map(times)
        .join(' / ');
  const measures = compare.join(' / ');
  return [
    { head: 'server', cell: ({ cell }) => cell.title },
    { head: `${many}/s`, cell: ({ medians }) => whole(medians.rate) },
    { head: `CPU us/${one}`, cell: ({ medians }) => decimal(medians.cpu) },
    { head: 'p50 ms', cell: ({ medians }) => milliseconds(medians.p50) },
    { head: 'p99 ms', cell: ({ medians }) => milliseconds(medians.p99) },
    { head: `bytes/${one}`, cell: ({ medians }) => whole(medians.bytes) },
    { head: 'of it heap', cell: ({ medians }) => whole(medians.heap) },
    { head: 'server', cell: ({ medians }) => percent(medians.server) },
    { head: 'load', cell: ({ medians, saturated }) => percent(medians.load) + (saturated ? ' !' : '') },
    { head: 'others', cell: ({ medians }) => percent(medians.others) },
    { head: `x Faye (${measures})`, cell: ratio('faye') },
    { head: `x ceiling (${measures})`, cell: ratio('ceiling') },
    { head: `x its own (${measures})`, cell: ratio('own') },
    { head: `x the other build (${measures})`, cell: ratio('before') },
  ];
}

/**
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @param {readonly import('./summary.js').Row[]} rows
 * @param {ReadonlyMap<import('./cells.js').Cell, Error>} broken
 */
function remarks(scenario, rows, broken) {
  const lines = [...broken].map(([cell, { message }]) => `FAILED ${cell.title}: ${message.split('\n')[0]}`);
  for (const { cell, saturated, trouble, results, medians } of rows) {
    if (saturated) {
      lines.push(`! ${cell.title}: the load generator saturated first; the server could do more than this.`);
    }
    if (medians.others > NOISY && !scenario.compare.includes('bytes')) {
      lines.push(
        `noisy: others used ${percent(medians.others)} of a core beside ${cell.title}; measure again.`,
      );
    }
    if (Object.keys(trouble).length > 0) {
      const why = results.find((result) => result.why)?.why;
      lines.push(`FAILED ${cell.title}: ${troubleText(trouble)}${why ? ` (${why})` : ''}`);
    }
  }
  for (const { title, against, measure, wanted, ratio, reached } of judge(scenario, rows)) {
    const sign = measure === 'rate' ? '>=' : '<=';
    const verdict = reached ? 'reached' : 'MISSED ';
    lines.push(`${verdict} ${title}: ${measure} ${times(ratio)} ${against}, wanted ${sign} ${wanted} x`);
  }
  return lines;
}

/** @param {Record<string, number>} trouble */
export function troubleText(trouble) {
  return Object.entries(trouble)
    .map(([kind, count]) => `${whole(count)} ${kind}`)
    .join(', ');
}

/** @param {number | undefined} value */
function whole(value) {
  return value === undefined ? '' : Math.round(value).toLocaleString('en');
}

/** @param {number | undefined} value */
function decimal(value) {
  return value === undefined ? '' : value.toFixed(value < 10 ? 2 : 1);
}

/** @param {number | undefined} us */
function milliseconds(us) {
  return us === undefined || Number.isNaN(us) ? '' : (us / 1000).toFixed(us < 10_000 ? 2 : 1);
}

/** @param {number | undefined} share */
function percent(share) {
  return share === undefined ? '' : `${Math.round(share * 100)} %`;
}

/** @param {number} ratio */
function times(ratio) {
  return `${ratio.toFixed(2)} x`;
}
