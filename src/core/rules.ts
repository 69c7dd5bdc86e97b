import { segmentsOf } from '../protocol/channel.ts';
import { ChannelTree } from './channel-tree.ts';
import type { ResolvedOptions } from './options.ts';

/** What can be set for the channels a pattern matches. */
export type ChannelRule = ResolvedOptions['channels'][string];

interface Entry {
  stamp: number;
  readonly rank: number;
  readonly rule: ChannelRule;
}

const none: ChannelRule = {};

/** Finds what is set for a channel: of all patterns that match, the most specific one wins, key by key. */
export class Rules {
  readonly #tree = new ChannelTree<Entry>();

  constructor(rules: Readonly<Record<string, ChannelRule>>) {
    for (const [pattern, rule] of Object.entries(rules)) {
      this.#tree.add(pattern, { stamp: 0, rank: specificity(pattern), rule });
    }
  }

  of(channel: string): ChannelRule {
    if (this.#tree.nodes === 0) return none;
    const matching = [...this.#tree.match(channel)].sort((a, b) => a.rank - b.rank);
    return Object.assign({}, ...matching.map(({ rule }) => rule));
  }
}

// A name stands above any pattern, a longer pattern above a shorter one, `*` above `**`.
function specificity(pattern: string): number {
  const segments = segmentsOf(pattern);
  const last = segments.at(-1);
  if (last === '**') return 2 * segments.length;
  return last === '*' ? 2 * segments.length + 1 : Number.MAX_SAFE_INTEGER;
}
