import { segmentsOf } from '../../protocol/channel.ts';
import type { RetentionRule } from './options.ts';

/** The rules of channels, as far as they say what is kept. */
export interface RetentionRules {
  readonly byPattern: Readonly<Record<string, RetentionRule>>;
  of(channel: string): RetentionRule;
}

/** Whether events may be kept of any channel that a name or pattern matches. */
export function isDurable(pattern: string, rules: RetentionRules): boolean {
  if (!pattern.endsWith('*')) return isOn(rules.of(pattern).history);
  return Object.entries(rules.byPattern).some(
    ([ruled, { history }]) => isOn(history) && overlap(ruled, pattern),
  );
}

/** Whether some channel is matched by both of two names or patterns. */
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
