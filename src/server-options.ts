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

/** Section titles in the order of the docs. */
export const titles = [
  'Sessions and time',
  'Events and queues',
  'History and replay',
  'Presence',
  'Names and limits',
  'Extensions',
  'Who may use the server',
  'Browsers and tabs',
  'WebSocket',
  'Long-polling',
  'Callback-polling',
  'EventSource',
];

/** The options by section. */
export const optionSections = sectionsOf(titles, parts);

/** Every option of the server, nested by its path: types, checks, flags, variables and docs are read off it. */
export const optionTable = tableOf(titles, parts);

/** Every option with its value. A time of a transport that was not given is that of the server. */
export type ResolvedOptions = Resolved<typeof optionTable>;

/** Resolved options, and the channel rules made from them. */
export interface ServerConfig {
  readonly options: ResolvedOptions;
  readonly rules: ChannelRules<ChannelRule>;
}

/**
 * Fills in the defaults; some depend on `heap`, the heap limit in bytes. Throws `UsageError` for an unknown name, a bad
 * value or options that contradict each other (CF-1).
 */
export function resolveOptions(given: ServerOptions = {}, heap?: number): ResolvedOptions {
  return configOf(given, heap).options;
}

/** Like `resolveOptions`, for untyped values. */
export function readOptions(given: unknown, heap?: number): ResolvedOptions {
  return configOf(given, heap).options;
}

/** Like `readOptions`, with the channel rules. Resolved options, or a copy of them, are returned unchanged. */
export function configOf(given: unknown, heap?: number): ServerConfig {
  return registeredFor(given) ?? registered(resolveWith(parts, optionTable, given, heap));
}

/** Resolves the options of these parts, which may differ from those of a server. */
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

// Keyed by the object in `channels`: each resolution creates a new one, and copies of the options share it.
const registry = new WeakMap<object, ServerConfig>();

function registered(config: ServerConfig): ServerConfig {
  registry.set(config.options.channels, config);
  return config;
}

function registeredFor(given: unknown): ServerConfig | undefined {
  if (typeof given !== 'object' || given === null || !('channels' in given)) return undefined;
  const { channels } = given;
  if (typeof channels !== 'object' || channels === null) return undefined;
  const config = registry.get(channels);
  return config !== undefined && isCopy(given, config.options) ? config : undefined;
}

function isCopy(given: object, options: object): boolean {
  const values = Object.entries(options);
  const isSame = values.every(([name, value]) => Reflect.get(given, name) === value);
  return isSame && Object.keys(given).length === values.length;
}

/** Resolved options with other transports. */
export function withTransports(
  options: ResolvedOptions,
  transports: ResolvedOptions['transports'],
): ResolvedOptions {
  const { rules } = configOf(options);
  return registered({ options: Object.freeze({ ...options, transports: Object.freeze(transports) }), rules })
    .options;
}
