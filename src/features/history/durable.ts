import { segmentsOf } from '../../protocol/channel.ts';
import type { RetentionRule } from './options.ts';

/** The channel rules, with the key `history`. */
export interface RetentionRules {
  readonly byPattern: Readonly<Record<string, RetentionRule>>;
  of(channel: string): RetentionRule;
}

/** Whether a name or pattern can match a durable channel. */
export function isDurable(pattern: string, rules: RetentionRules): boolean {
  if (!pattern.endsWith('*')) return isOn(rules.of(pattern).history);
  return Object.entries(rules.byPattern).some(
    ([ruled, { history }]) => isOn(history) && overlap(ruled, pattern),
  );
}

/** Whether two names or patterns can match the same channel. */
export function overlap(one: string, other: string): boolean {
  const [these, those] = [segmentsOf(one), segmentsOf(other)];
  for (let at = 0; at < these.length && at < those.length; at += 1) {
    const [a, b] = [these[at], those[at]];
    if (a === '**' || b === '**') return true;
    if (a === '*' || b === '*') break;
    if (a !== b) return false;
  }
  return these.length === those.length;
}

function isOn(history: unknown): boolean {
  return history !== undefined && history !== false;
}
