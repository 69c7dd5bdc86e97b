import type { Clock } from './lib/clock.ts';
import { nearest } from './lib/did-you-mean.ts';
import { checkNames, member } from './lib/known-names.ts';
import { shown } from './lib/shown.ts';
import type { LogLevel } from './lib/log.ts';
import { UsageError } from './lib/usage-error.ts';
import type { Engine } from './ports/engine.ts';
import type { HistoryStore } from './ports/history-store.ts';
import { isNode } from './lib/node-name.ts';
import { optionTable } from './server-options.ts';

const engineNames: Record<Exclude<keyof Engine, EnginePart>, true> = {
  open: true,
  publish: true,
  interest: true,
  close: true,
};
type EnginePart = 'node' | 'peers' | 'lists' | 'directory' | 'history' | 'status' | 'nodes' | 'shared';
const engineParts: readonly EnginePart[] = [
  'node',
  'peers',
  'lists',
  'directory',
  'history',
  'status',
  'nodes',
  'shared',
];
const storeNames: Record<Exclude<keyof HistoryStore, 'newest' | 'usage'>, true> = {
  open: true,
  append: true,
  read: true,
  last: true,
  range: true,
  expire: true,
  close: true,
};
const clockNames: Record<keyof Clock, true> = { now: true, after: true, soon: true };

/** The parts that an application may give a server. */
interface Parts {
  readonly extensions?: unknown;
  readonly engine?: unknown;
  readonly history?: unknown;
  readonly clock?: unknown;
  readonly log?: unknown;
  readonly trace?: unknown;
}

/**
 * Refuses settings that would have no effect or fail later. Policies, extensions and options are checked where they are
 * read. `names`: the names of all parts. Throws `UsageError`.
 */
export function checkSettings(settings: Parts, names: readonly string[]): void {
  const given: unknown = settings;
  if (typeof member(given, 'listen') === 'function')
    throw new UsageError(
      "this is an http.Server or an app: write new Server().attach(httpServer, { path: '/bayeux' })",
    );
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new UsageError(
      `the settings must be an object, got ${shown(given)}: write new Server({ timeout: 30_000 })`,
    );
  refuseUnknown(Object.keys(settings), names);
  checkParts(settings);
}

// Other unknown options are refused later, but that code does not know the names of the parts.
function refuseUnknown(given: readonly string[], names: readonly string[]): void {
  const known = [...names, ...Object.keys(optionTable)];
  for (const name of given) {
    const meant = known.includes(name) ? undefined : nearest(name, known);
    if (meant !== undefined && names.includes(meant))
      throw new UsageError(`unknown option "${name}"; did you mean "${meant}"?`);
  }
}

function checkParts({ extensions, engine, history, clock, log, trace }: Parts): void {
  if (extensions !== undefined && !Array.isArray(extensions))
    throw new UsageError(`extensions must be a list of extensions, got ${shown(extensions)}`);
  if (log !== undefined && typeof log !== 'function' && !isLogger(log))
    throw new UsageError(
      `log must be a function or a logger of pino, got ${shown(log)}: write log: pino(), or log: ({ level, event, ...fields }) => console.log(level, event, fields)`,
    );
  if (trace !== undefined && typeof trace !== 'boolean')
    throw new UsageError(`trace must be true or false, got ${shown(trace)}`);
  if (engine !== undefined) {
    checkNames(engine, whole('the engine', engineNames, engineParts));
    const node = member(engine, 'node');
    if (!isNode(node))
      throw new UsageError(
        `node of the engine must be 8 letters and digits, got ${shown(node)}: write readonly node = newNode()`,
      );
  }
  if (history !== undefined && member(engine, 'history') !== undefined)
    throw new UsageError('the engine keeps the history of all nodes: leave out "history"');
  if (history !== undefined) checkNames(history, whole('the history store', storeNames, ['newest', 'usage']));
  if (clock !== undefined) checkNames(clock, { ...whole('the clock', clockNames), isOpen: true });
}

const levels: Record<LogLevel, true> = { trace: true, debug: true, info: true, warn: true, error: true };

function isLogger(given: unknown): boolean {
  return Object.keys(levels).every((level) => typeof member(given, level) === 'function');
}

function whole(what: string, names: Readonly<Record<string, true>>, others: readonly string[] = []) {
  return { what, functions: Object.keys(names), others, isWhole: true } as const;
}
