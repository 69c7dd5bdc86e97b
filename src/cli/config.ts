import type { NamedOption } from '../options/table.ts';
import { checked, resolve } from '../options/check.ts';
import { optionTable, type ResolvedOptions, readOptions } from '../server-options.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { UsageError } from '../lib/usage-error.ts';
import { heapLimit } from '../lib/heap.ts';
import { clusterContradictions } from './cluster-options.ts';
import { ConfigError, type Problem } from './config-error.ts';
import { readConfigFile } from './config-file.ts';
import { exposedBy, hasSignIn, isOpen, whyNotOpen, withoutJsonp } from './exposure.ts';
import { isFromKubernetes } from './kubernetes.ts';
import { allOptions, configOption, type ProgramOptions, programTable, urlVariable } from './options.ts';
import { fromText } from './text.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** The text of a flag; `undefined` when the flag is absent. */
export type Flags = (flag: string) => string | undefined;

export interface Config {
  readonly program: ProgramOptions;
  readonly server: ResolvedOptions;
  /** Source of each value that is not a default: a flag, a variable or a file, by the path of the option. */
  readonly places: ReadonlyMap<string, string>;
  /** Whether other machines should reach the server. */
  readonly isPublic: boolean;
  /** Variables that are not options, since Kubernetes made them. */
  readonly ignored: readonly string[];
}

interface Setting {
  readonly path: string;
  readonly value: unknown;
  readonly place: string;
  /** For a value from a file: the line of a key in it. */
  placeOf?(keys: readonly string[]): string;
}

/** Loads the configuration. Precedence: flag, variable, file, default. Throws `ConfigError` with all mistakes in it. */
export function loadConfig(flags: Flags, variables: Env): Config {
  const ignored = Object.keys(variables).filter(
    (name) => name.startsWith(prefix) && isFromKubernetes(name, variables[name]),
  );
  const env = Object.fromEntries(Object.entries(variables).filter(([name]) => !ignored.includes(name)));
  const problems = unknownVariables(env);
  const file = flags(configOption.flag) ?? env[configOption.variable];
  const settings = [
    ...(file ? gather(() => fromFile(file), problems) : []),
    ...fromVariables(env, problems),
    ...fromFlags(flags, problems),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  const config = { ...adapted(assemble(settings)), ignored };
  refuseContradictions(config);
  return config;
}

const prefix = 'BAYEUXD_';

const byVariable = new Map(allOptions.map((option) => [option.variable, option]));
const knownVariables = [...byVariable.keys(), configOption.variable, urlVariable];

function unknownVariables(env: Env): Problem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !knownVariables.includes(name))
    .map((name) => ({
      key: name,
      place: name,
      message: `unknown variable${didYouMean(name, knownVariables)}`,
    }));
}

function gather(read: () => Setting[], problems: Problem[]): Setting[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return [];
  }
}

function fromFile(file: string): Setting[] {
  const { entries, placeOf } = readConfigFile(file);
  return entries.map((entry) => ({ ...entry, placeOf }));
}

// In the order of the options, so that problems are reported in that order.
function fromVariables(env: Env, problems: Problem[]): Setting[] {
  const settings: Setting[] = [];
  for (const [variable, option] of byVariable) {
    const text = env[variable];
    if (text !== undefined) settings.push(...gather(() => [fromPlace(option, variable, text)], problems));
  }
  return settings;
}

function fromFlags(flags: Flags, problems: Problem[]): Setting[] {
  const settings: Setting[] = [];
  for (const option of allOptions) {
    const text = flags(option.flag);
    if (text === undefined) continue;
    settings.push(...gather(() => [fromPlace(option, asWritten(option, text), text)], problems));
  }
  return settings;
}

/** The flag as the user wrote it: `--no-…` if it turns an option off. */
function asWritten({ flag, row }: NamedOption, text: string): string {
  return row.kind === 'boolean' && text === 'false' ? `--no-${flag.slice(2)}` : flag;
}

function fromPlace({ path, row }: NamedOption, place: string, text: string): Setting {
  try {
    return { path, place, value: checked(row, path, fromText(row, text)) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ConfigError([{ key: path, place, message: error.message }]);
  }
}

type Assembled = Pick<Config, 'program' | 'server' | 'places'>;

/** If other machines can reach the server, the chat page, the dashboard and JSONP are off unless the configuration needs them. */
function adapted({ program, server, places }: Assembled): Omit<Config, 'ignored'> {
  const isPublic = exposedBy(program, server) !== undefined;
  const isJsonpNeeded = !isPublic || places.has('transports') || server.origins !== 'same';
  return {
    program: {
      ...program,
      demo: program.demo ?? !isPublic,
      admin: program.admin ?? (!isPublic && hasSignIn(program, server)),
    },
    server: isJsonpNeeded ? server : withoutJsonp(server),
    places,
    isPublic,
  };
}

function assemble(settings: readonly Setting[]): Assembled {
  const values: Record<string, unknown> = {};
  for (const { path, value } of settings) assign(values, path.split('.'), value);
  const server = Object.entries(values).filter(([name]) => Object.hasOwn(optionTable, name));
  const program = Object.entries(values).filter(([name]) => Object.hasOwn(programTable, name));
  try {
    return {
      program: resolve(programTable, Object.fromEntries(program)),
      server: readOptions(Object.fromEntries(server), heapLimit()),
      places: new Map(settings.map(({ path, place }) => [path, place])),
    };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const place = placeOf(error.message, settings);
    throw new ConfigError([{ key: '', place, message: error.message }], { cause: error });
  }
}

/** The place of the option that the message begins with, such as `channels["/a"].lazy`. */
function placeOf(message: string, settings: readonly Setting[]): string {
  const [, path = '', , pattern = '', , inner = ''] =
    /^([\w.]+)((?:\[| has )"([^"]*)"(\]((?:\.\w+)*))?)?/.exec(message) ?? [];
  const keys = [...path.split('.'), pattern, ...inner.split('.')].filter((key) => key !== '');
  const setting = settings.findLast((other) => path === other.path || path.startsWith(`${other.path}.`));
  return setting?.placeOf?.(keys) ?? setting?.place ?? 'configuration';
}

/** Sets a value, in place of an earlier one. Setting an option of a group that is off turns the group on. */
function assign(
  into: Record<string, unknown>,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): void {
  if (rest.length === 0) {
    into[name] = value === true && typeof into[name] === 'object' ? into[name] : value;
    return;
  }
  const group = { ...(typeof into[name] === 'object' ? into[name] : {}) };
  into[name] = group;
  assign(group, rest, value);
}

function refuseContradictions({ program, server, places, isPublic }: Config): void {
  const { tlsCert, tlsKey, http2, socket } = program;
  const problems: Problem[] = [];
  const refuse = (key: string, message: string) => {
    problems.push({ key, place: places.get(key) ?? 'configuration', message });
  };
  if (tlsCert !== undefined && tlsKey === undefined) refuse('tlsCert', 'tlsCert needs tlsKey too');
  if (tlsKey !== undefined && tlsCert === undefined) refuse('tlsKey', 'tlsKey needs tlsCert too');
  if (http2 && tlsCert === undefined && tlsKey === undefined)
    refuse('http2', 'http2 is served with TLS only: set tlsCert and tlsKey, or leave http2 out');
  for (const key of ['host', 'port']) {
    if (socket !== undefined && places.has(key))
      refuse(key, `${key} and socket exclude each other: leave one out`);
  }
  if (program.apiKey !== undefined && program.apiKeyFile !== undefined)
    refuse('apiKeyFile', 'apiKeyFile and apiKey exclude each other: leave one out');
  if (socket !== undefined && Array.isArray(server.trustProxy))
    refuse(
      'trustProxy',
      'trustProxy cannot list addresses with socket, whose peers have none: write the number of proxies, such as 1',
    );
  if (program.history.path !== undefined && !Object.values(server.channels).some(({ history }) => history))
    refuse(
      'history.path',
      'history.path keeps nothing, since no channel is durable: give one a history, such as --channels \'{"/chat/**":{"history":true}}\'',
    );
  if (isPublic && !program.insecure && isOpen(program, server)) {
    const option = exposedBy(program, server) ?? 'host';
    refuse(option, `${option} ${whyNotOpen}`);
  }
  // The printed configuration has the default.
  if (program.metrics.port === undefined && program.metrics.host !== programTable.metrics.rows.host.default)
    refuse('metrics.host', 'metrics.host needs metrics.port too');
  if (program.history.sync && program.history.path === undefined)
    refuse('history.sync', 'history.sync needs history.path too');
  if (program.redis.url === undefined) {
    const { rows } = programTable.redis;
    for (const name of [
      'sentinels',
      'clusterNodes',
      'namespace',
      'durability',
      'away',
      'timeout',
      'keep',
    ] as const)
      if (program.redis[name] !== ('default' in rows[name] ? rows[name].default : undefined))
        refuse(`redis.${name}`, `redis.${name} needs redis.url too`);
  } else if (program.history.path !== undefined)
    refuse(
      'history.path',
      'history.path and redis.url exclude each other: with Redis, all nodes have one history there',
    );
  const hasRedis = program.redis.url !== undefined;
  for (const problem of clusterContradictions(program.cluster, hasRedis)) refuse(...problem);
  if (problems.length > 0) throw new ConfigError(problems);
}
