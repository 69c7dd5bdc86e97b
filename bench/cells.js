import { loadOf } from './scenarios/index.js';
import { ceilings, servers } from './servers/index.js';

/**
 * One server under one load.
 *
 * @typedef {{ server: string, own: boolean, title: string }} Cell
 */

/** The cells to run in each round of a scenario. @param {import('./scenarios/index.js').Scenario} scenario @param {readonly string[]} names @returns {Cell[]} */
export function cellsOf(scenario, names) {
  const { transport } = loadOf(scenario, false);
  return names.flatMap((server) => {
    const kind = kindOf(scenario, server);
    if (!kind?.transports.includes(transport)) return [];
    if (scenario.servers && server !== 'ceiling' && !scenario.servers.includes(server)) return [];
    const cell = { server, own: false, title: kind.label };
    if (!scenario.own || server === 'ceiling') return [cell];
    return [cell, { server, own: true, title: `${kind.label}, ${scenario.own.title}` }];
  });
}

/** @param {import('./scenarios/index.js').Scenario} scenario @param {string} server */
export function isMeasured(scenario, server) {
  return cellsOf(scenario, [server]).length > 0;
}

/** The kind of a server in a scenario. For `ceiling` it depends on the scenario, and may be undefined. @param {import('./scenarios/index.js').Scenario} scenario @param {string} server */
export function kindOf(scenario, server) {
  if (server !== 'ceiling') return servers[server];
  return scenario.ceiling && ceilings[scenario.ceiling];
}
