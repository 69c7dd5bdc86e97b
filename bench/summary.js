import { median } from './stats.js';

/**
 * All rounds of one server, summarised.
 *
 * @typedef {object} Row
 * @property {import('./cells.js').Cell} cell
 * @property {readonly import('./run.js').Result[]} results One per round.
 * @property {Record<string, number>} medians
 * @property {Partial<Record<'faye' | 'ceiling' | 'own' | 'before', Partial<Record<import('./scenarios/index.js').Measure, number>>>>} ratios
 * @property {Record<string, number>} trouble All rounds together.
 * @property {boolean} saturated In any round.
 */

const FIELDS = /** @type {const} */ (['rate', 'cpu', 'p50', 'p99', 'bytes', 'heap']);

/**
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @param {readonly import('./cells.js').Cell[]} cells
 * @param {readonly (readonly import('./run.js').Result[])[]} rounds One result per cell in each.
 * @returns {Row[]}
 */
export function summarise(scenario, cells, rounds) {
  return cells.map((cell, index) => {
    const results = rounds.map((round) => /** @type {import('./run.js').Result} */ (round[index]));
    return {
      cell,
      results,
      medians: mediansOf(results),
      ratios: ratiosOf(scenario, cells, rounds, index),
      trouble: totalTrouble(results),
      saturated: results.some(({ saturated }) => saturated),
    };
  });
}

/**
 * Compares the ratios of bayeuxd, inside Express, attached beside it and on bare `http`, with the goals of the scenario.
 *
 * @param {import('./scenarios/index.js').Scenario} scenario
 * @param {readonly Row[]} rows
 */
export function judge(scenario, rows) {
  const ours = rows.filter(({ cell }) => !cell.own && ['bayeuxd', 'bare', 'attached'].includes(cell.server));
  return ours.flatMap(({ cell, ratios }) =>
    Object.entries(scenario.goal ?? {}).flatMap(([against, goal]) =>
      Object.entries(goal).flatMap(([measure, wanted]) => {
        const ratio = ratios[/** @type {'faye'} */ (against)]?.[/** @type {'rate'} */ (measure)];
        if (ratio === undefined) return [];
        const reached = measure === 'rate' ? ratio >= wanted : ratio <= wanted;
        return [{ title: cell.title, against, measure, wanted, ratio, reached }];
      }),
    ),
  );
}

/** @param {readonly import('./run.js').Result[]} results */
function mediansOf(results) {
  /** @type {Record<string, number>} */
  const medians = {};
  for (const field of FIELDS) {
    const values = results.flatMap((result) => result[field] ?? []);
    if (values.length > 0) medians[field] = median(values);
  }
  for (const share of /** @type {const} */ (['server', 'load', 'others'])) {
    medians[share] = median(results.map(({ shares }) => shares[share]));
  }
  return medians;
}

/** The median of the ratios within each round, so that the load of the machine in one round cancels out. @param {import('./scenarios/index.js').Scenario} scenario @param {readonly import('./cells.js').Cell[]} cells @param {readonly (readonly import('./run.js').Result[])[]} rounds @param {number} index */
function ratiosOf(scenario, cells, rounds, index) {
  const { server, own } = /** @type {import('./cells.js').Cell} */ (cells[index]);
  const others = {
    faye: cells.findIndex((cell) => cell.server === 'faye' && server !== 'faye' && cell.own === own),
    ceiling: cells.findIndex((cell) => cell.server === 'ceiling' && server !== 'ceiling'),
    before: cells.findIndex((cell) => cell.server === 'before' && server === 'bayeuxd' && cell.own === own),
    own: cells.findIndex((cell) => cell.server === server && cell.own && !own),
  };
  /** @type {Row['ratios']} */
  const ratios = {};
  for (const [against, other] of Object.entries(others)) {
    if (other < 0) continue;
    const pairs = scenario.compare.map((measure) => [
      measure,
      median(rounds.map((round) => Number(round[index]?.[measure]) / Number(round[other]?.[measure]))),
    ]);
    ratios[/** @type {'faye'} */ (against)] = Object.fromEntries(pairs);
  }
  return ratios;
}

/** @param {readonly import('./run.js').Result[]} results */
function totalTrouble(results) {
  /** @type {Record<string, number>} */
  const total = {};
  for (const { trouble } of results) {
    for (const [kind, count] of Object.entries(trouble))
      if (count !== 0) total[kind] = (total[kind] ?? 0) + count;
  }
  return total;
}
