import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMeasured } from './cells.js';
import { scenarios } from './scenarios/index.js';
import { servers } from './servers/index.js';

/**
 * @typedef {object} Settings
 * @property {readonly import('./scenarios/index.js').Scenario[]} scenarios
 * @property {readonly string[]} servers
 * @property {readonly LeftOut[]} leftOut
 * @property {string} [before] URL of the other build's index.js.
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} warmup Seconds.
 * @property {number} scale Share of the sessions in H1 and M1.
 * @property {number} quiet Share of a core that other processes may use before a run is repeated.
 * @property {boolean} json
 *
 * @typedef {{ server: string, scenarios: readonly string[] }} LeftOut A server named in the flags, and scenarios that cannot measure it.
 */

const names = [...Object.keys(servers).filter((name) => name !== 'before'), 'ceiling'];

/** @type {Record<string, { value?: string, words: string }>} */
const flags = {
  scenario: {
    value: 'IDS',
    words: 'only these, by id or group: W1,P2; cost: what features cost (default: all but those)',
  },
  servers: {
    value: 'NAMES',
    words: `of ${names.join(', ')}; one that no chosen scenario measures is refused (default: all)`,
  },
  before: { value: 'FILE', words: 'dist/index.js of another build, run beside this one' },
  rounds: { value: 'N', words: 'runs of each server; medians are reported (default 3)' },
  seconds: { value: 'S', words: 'measured in each run (default 4)' },
  warmup: { value: 'S', words: 'before that (default 2)' },
  quiet: {
    value: 'SHARE',
    words: 'repeat a run, twice at most, when others used more of a core (default 0.1)',
  },
  quick: {
    words: '1 round of 1 s after 0.5 s, a third of the sessions in H1 and M1, no repeats: a smoke test',
  },
  json: { words: 'one JSON document on the standard output instead of tables' },
  help: { words: 'this text' },
};

export class UsageError extends Error {}

/** Throws `UsageError`. @param {readonly string[]} argv @returns {Settings | 'help'} */
export function readArguments(argv) {
  const given = readFlags(argv);
  if (given.has('help')) return 'help';
  const quick = given.has('quick');
  const before = given.get('before');
  const other = before === undefined ? [] : ['before'];
  const chosen = pickScenarios(given.get('scenario'));
  const picked = pickServers(given.get('servers'));
  return {
    scenarios: chosen,
    servers: [...picked, ...other],
    leftOut: leftOutOf(chosen, [...(given.has('servers') ? picked : []), ...other]),
    ...(before === undefined ? {} : { before: pathToFileURL(resolve(before)).href }),
    rounds: number(given, 'rounds', quick ? 1 : 3, 1),
    seconds: number(given, 'seconds', quick ? 1 : 4, 0.1),
    warmup: number(given, 'warmup', quick ? 0.5 : 2, 0),
    scale: quick ? 1 / 3 : 1,
    quiet: number(given, 'quiet', quick ? 2 : 0.1, 0),
    json: given.has('json'),
  };
}

export function helpText() {
  const lines = Object.entries(flags).map(
    ([name, { value, words }]) => `  --${(value ? `${name} ${value}` : name).padEnd(16)} ${words}`,
  );
  const table = scenarios.map(({ id, title }) => `  ${id.padEnd(15)} ${title}`);
  return ['npm run bench -- [flags]', ...lines, '', 'Scenarios:', ...table, ''].join('\n');
}

/** @param {readonly string[]} argv */
function readFlags(argv) {
  /** @type {Map<string, string>} */
  const given = new Map();
  for (let i = 0; i < argv.length; i++) {
    const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(String(argv[i])) ?? [];
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (!flag)
      throw new UsageError(`unknown flag ${argv[i]}; there are --${Object.keys(flags).join(', --')}`);
    if (!flag.value && inline !== undefined) throw new UsageError(`--${name} takes no value`);
    const value = flag.value ? (inline ?? argv[++i]) : '';
    if (value === undefined) throw new UsageError(`--${name} needs a value: ${flag.value}`);
    given.set(name, value);
  }
  return given;
}

/** @param {Map<string, string>} given @param {string} name @param {number} otherwise @param {number} least */
function number(given, name, otherwise, least) {
  const text = given.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least) {
    throw new UsageError(`--${name} has to be a number of at least ${least}, not ${text}`);
  }
  if (name === 'rounds' && !Number.isInteger(value))
    throw new UsageError('--rounds has to be a whole number');
  return value;
}

/** @param {string | undefined} list */
function pickScenarios(list) {
  if (list === undefined) return scenarios.filter(({ family }) => family === undefined);
  return list.split(',').flatMap((name) => {
    const found = scenarios.filter(({ id, group, family }) => [id, group, family].includes(name));
    if (found.length > 0) return found;
    throw new UsageError(`unknown scenario ${name}; there are ${scenarios.map(({ id }) => id).join(', ')}`);
  });
}

/** @param {string | undefined} list */
function pickServers(list) {
  if (list === undefined) return names;
  const wanted = list.split(',');
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new UsageError(`unknown server ${unknown}; there are ${names.join(', ')}`);
  return names.filter((name) => wanted.includes(name));
}

/**
 * Throws `UsageError` for a server that no chosen scenario measures.
 *
 * @param {readonly import('./scenarios/index.js').Scenario[]} chosen
 * @param {readonly string[]} named
 * @returns {LeftOut[]}
 */
function leftOutOf(chosen, named) {
  return named.flatMap((server) => {
    const without = chosen.filter((scenario) => !isMeasured(scenario, server)).map(({ id }) => id);
    if (without.length === chosen.length) throw new UsageError(notMeasured(server));
    return without.length > 0 ? [{ server, scenarios: without }] : [];
  });
}

/** @param {string} server */
function notMeasured(server) {
  const kind = servers[server];
  const what = kind
    ? `${kind.label}, over ${kind.transports.join(' and ')}`
    : 'what a scenario is held against';
  const able = scenarios.filter((scenario) => isMeasured(scenario, server)).map(({ id }) => id);
  return `none of the chosen scenarios measures ${server} (${what}); these do: ${able.join(', ')}`;
}
