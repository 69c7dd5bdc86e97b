import { covers } from '../../protocol/channel.ts';

/** A pattern that nearly matches a channel, and the one that does. */
export interface NearMiss {
  readonly pattern: string;
  /** What to subscribe to instead. */
  readonly instead: string;
  readonly why: 'one_segment' | 'case' | 'name_only' | 'itself';
}

/** The pattern that nearly matches the channel, if any does. */
export function nearestPattern(patterns: readonly string[], channel: string): NearMiss | undefined {
  for (const { why, instead } of tries) {
    for (const pattern of patterns) {
      if (covers(pattern, channel)) continue;
      const wider = instead(pattern, channel);
      if (wider !== undefined && covers(wider, channel)) return { pattern, instead: wider, why };
    }
  }
  return undefined;
}

/** What is wrong with it, in words. */
export const misses: Readonly<Record<NearMiss['why'], string>> = {
  one_segment: '"*" stands for exactly one segment, and "**" for one or more',
  case: 'upper and lower case differ in the names of channels',
  name_only: 'a name without "*" matches that channel alone',
  itself: 'such a pattern matches what is below, and not the channel above',
};

/** Ways to make a pattern match, the likeliest mistake first. */
const tries: readonly {
  why: NearMiss['why'];
  instead(pattern: string, channel: string): string | undefined;
}[] = [
  { why: 'one_segment', instead: deeper },
  { why: 'case', instead: inCaseOf },
  {
    why: 'case',
    instead(pattern, channel) {
      const wider = deeper(pattern);
      return wider && inCaseOf(wider, channel);
    },
  },
  {
    why: 'name_only',
    instead: (pattern, channel) =>
      pattern.endsWith('*') ? undefined : `${pattern}/${isOneBelow(pattern, channel) ? '*' : '**'}`,
  },
  {
    why: 'itself',
    instead: (pattern, channel) => (pattern.replace(/\/\*{1,2}$/, '') === channel ? channel : undefined),
  },
];

function deeper(pattern: string): string | undefined {
  return pattern.endsWith('/*') ? `${pattern}*` : undefined;
}

// The part of the pattern before its `*`, as the channel writes it.
function inCaseOf(pattern: string, channel: string): string | undefined {
  const [, stem = '', wild = ''] = /^(.*?)(\/\*{1,2})?$/.exec(pattern) ?? [];
  const own = channel.slice(0, stem.length);
  return own.toLowerCase() === stem.toLowerCase() ? own + wild : undefined;
}

function isOneBelow(name: string, channel: string): boolean {
  return !channel.slice(name.length + 1).includes('/');
}
