import { ChannelRules } from './channels/channel-rules.ts';
import type { coreOptions } from './core/options.ts';
import { UsageError } from './lib/usage-error.ts';
import { type OptionPart, type RuleOf, ruleRowsOf } from './options/parts.ts';
import { ChannelGrammar, type ChannelRules as Names, kindOf } from './protocol/channel.ts';
import type { serverFeatures } from './server-features.ts';

/** The rule of a channel. For a key that is absent, the options of the server apply. */
export type ChannelRule = RuleOf<readonly [typeof coreOptions, ...typeof serverFeatures]>;

/** The option `channels`, with the rule keys of these parts. */
export const channelsOption = <const Parts extends readonly OptionPart[]>(parts: Parts) =>
  ({
    kind: 'rules',
    default: {},
    doc: 'Rules by channel name or pattern. For each key, the most specific rule that has it wins.',
    rows: ruleRowsOf(parts),
  }) as const;

type Rules = Readonly<Record<string, object>>;

/** Reads the channel rules; each part reads its keys. Throws `UsageError` for a rule that contradicts itself or the options. */
export function readRules<Parts extends readonly OptionPart[]>(
  parts: Parts,
  options: Names & { readonly channels: Rules },
): ChannelRules<RuleOf<Parts> & object>;
export function readRules(
  parts: readonly OptionPart[],
  options: Names & { readonly channels: Rules },
): object {
  const rules = Object.entries(options.channels);
  if (rules.length > 0) refusePatterns(rules, parts, options);
  return new ChannelRules(
    Object.fromEntries(
      rules.map(([pattern, rule]) => [pattern, read(rule, `channels["${pattern}"]`, parts, options)]),
    ),
  );
}

function read(rule: object, place: string, parts: readonly OptionPart[], options: object): object {
  const read = parts.map((part) => {
    const own = Object.fromEntries(
      Object.entries(rule).filter(([key]) => Object.hasOwn(part.ruleRows ?? {}, key)),
    );
    return part.readRule?.(own, place, options) ?? own;
  });
  return Object.assign({}, ...read);
}

function refusePatterns(
  rules: readonly [pattern: string, rule: object][],
  parts: readonly OptionPart[],
  names: Names,
): void {
  const grammar = new ChannelGrammar(names);
  const service = parts.flatMap(({ ruleRows = {}, rulesService }) =>
    rulesService ? Object.keys(ruleRows) : [],
  );
  for (const [pattern, rule] of rules) {
    if (!grammar.isNameOrPattern(pattern))
      throw new UsageError(`channels has "${pattern}", which is no channel name or pattern`);
    refuseUseless(pattern, Object.keys(rule), service);
  }
}

/** Refuses rules for meta channels, and keys without effect: events on service channels are neither stored nor queued. */
function refuseUseless(pattern: string, keys: readonly string[], service: readonly string[]): void {
  const kind = kindOf(pattern);
  if (kind === 'meta') throw new UsageError(`channels has "${pattern}", to which nothing can be published`);
  const useless = kind === 'service' ? keys.find((key) => !service.includes(key)) : undefined;
  if (useless !== undefined)
    throw new UsageError(
      `channels["${pattern}"].${useless} has no effect: events on a service channel go to the server only; leave it out`,
    );
}
