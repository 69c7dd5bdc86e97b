import { ChannelRules } from './channels/channel-rules.ts';
import type { coreOptions } from './core/options.ts';
import { UsageError } from './lib/usage-error.ts';
import { type OptionPart, type RuleOf, ruleRowsOf } from './options/parts.ts';
import { ChannelGrammar, type ChannelRules as Names, kindOf } from './protocol/channel.ts';
import type { serverFeatures } from './server-features.ts';

/** What is set for a channel. What is unset is as the server's options say. */
export type ChannelRule = RuleOf<readonly [typeof coreOptions, ...typeof serverFeatures]>;

/** The option `channels`, with all that these parts let a rule say. */
export const channelsOption = <const Parts extends readonly OptionPart[]>(parts: Parts) =>
  ({
    kind: 'rules',
    default: {},
    doc: 'ChannelRules by channel name or pattern; the most specific one wins per key.',
    rows: ruleRowsOf(parts),
  }) as const;

type Rules = Readonly<Record<string, object>>;

/** Reads the rules of channels, which each part does for its own. Throws `UsageError` for one that contradicts itself or the options. */
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
    refuseIdle(pattern, Object.keys(rule), service);
  }
}

/** What reaches no subscriber cannot be kept for one, nor wait for one. */
function refuseIdle(pattern: string, keys: readonly string[], service: readonly string[]): void {
  const kind = kindOf(pattern);
  if (kind === 'meta') throw new UsageError(`channels has "${pattern}", to which nothing can be published`);
  const idle = kind === 'service' ? keys.find((key) => !service.includes(key)) : undefined;
  if (idle !== undefined)
    throw new UsageError(
      `channels["${pattern}"].${idle} has no effect: what is published to a service channel goes to the server alone; leave it out`,
    );
}
