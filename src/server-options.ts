import { channelsOption, type ChannelRule, readRules } from './channel-rule-table.ts';
import type { ChannelRules } from './channels/channel-rules.ts';
import { coreOptions } from './core/options.ts';
import { httpOptions } from './http/options.ts';
import { resolve } from './options/check.ts';
import { type OptionPart, type RuleOf, sectionsOf, tableOf } from './options/parts.ts';
import type { Resolved } from './options/table.ts';
import { serverFeatures } from './server-features.ts';
import type { ServerOptions } from './server-options-types.ts';
import { transportOptions, withAlias } from './transports/options.ts';

/** The parts of a server that have options, with these features. */
export function partsWith<const Features extends readonly OptionPart[]>(features: Features) {
  const channels = channelsOption([coreOptions, ...features]);
  const rules = { sections: { 'Events and queues': { channels } } };
  return [transportOptions, coreOptions, httpOptions, rules, ...features] as const;
}

const parts = partsWith(serverFeatures);

/** The subjects in the order people read them. */
export const titles = [
  'Sessions and time',
  'Events and queues',
  'History and replay',
  'Names and limits',
  'Extensions',
  'Who may use the server',
  'Browsers and tabs',
  'WebSocket',
  'Long-polling',
  'Callback-polling',
  'EventSource',
];

/** The options by subject. */
export const optionSections = sectionsOf(titles, parts);

/** Every option of the server, nested by its path: types, checks, flags, variables and docs are read off it. */
export const optionTable = tableOf(titles, parts);

/** Every option with its value; per-transport times that were not given are the server's. */
export type ResolvedOptions = Resolved<typeof optionTable>;

/** What options come to: their values, and the rules of channels ready for use. */
export interface ServerConfig {
  readonly options: ResolvedOptions;
  readonly rules: ChannelRules<ChannelRule>;
}

/**
 * Fills in the defaults, some of which depend on what the heap may grow to, in bytes. Throws `UsageError` for an unknown name, a bad
 * value or options that contradict each other (CF-1).
 */
export function resolveOptions(given: ServerOptions = {}, heap?: number): ResolvedOptions {
  return configOf(given, heap).options;
}

/** As `resolveOptions`, for what nobody has typed yet. */
export function readOptions(given: unknown, heap?: number): ResolvedOptions {
  return configOf(given, heap).options;
}

/** As `readOptions`, with the rules of channels. Options that were resolved before, or a copy of them, are given back as they are. */
export function configOf(given: unknown, heap?: number): ServerConfig {
  return knownOf(given) ?? remembered(resolveWith(parts, optionTable, given, heap));
}

/** Resolves the options of these parts, which may be others than a server usually has. */
export function resolveWith<const Parts extends readonly OptionPart[], Table extends typeof optionTable>(
  parts: Parts,
  table: Table,
  given: unknown,
  heap?: number,
): { readonly options: Resolved<Table>; readonly rules: ChannelRules<RuleOf<Parts> & object> };
export function resolveWith(
  parts: readonly OptionPart[],
  table: typeof optionTable,
  given: unknown,
  heap?: number,
): object {
  const resolved = resolve(table, given, heap);
  const options = Object.freeze({ ...resolved, transports: withAlias(resolved.transports) });
  for (const { refuse } of parts) refuse?.(options);
  return { options, rules: readRules(parts, options) };
}

// By the object of its channel rules, which each resolution makes anew and each copy has in common.
const known = new WeakMap<object, ServerConfig>();

function remembered(config: ServerConfig): ServerConfig {
  known.set(config.options.channels, config);
  return config;
}

function knownOf(given: unknown): ServerConfig | undefined {
  if (typeof given !== 'object' || given === null || !('channels' in given)) return undefined;
  const { channels } = given;
  if (typeof channels !== 'object' || channels === null) return undefined;
  const config = known.get(channels);
  return config !== undefined && isCopy(given, config.options) ? config : undefined;
}

function isCopy(given: object, options: object): boolean {
  const values = Object.entries(options);
  const isSame = values.every(([name, value]) => Reflect.get(given, name) === value);
  return isSame && Object.keys(given).length === values.length;
}

/** Options that were resolved, with other transports. */
export function withTransports(
  options: ResolvedOptions,
  transports: ResolvedOptions['transports'],
): ResolvedOptions {
  const { rules } = configOf(options);
  return remembered({ options: Object.freeze({ ...options, transports: Object.freeze(transports) }), rules })
    .options;
}
