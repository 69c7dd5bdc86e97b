import type { Right } from '../../ports/feature.ts';
import { covers } from '../../protocol/channel.ts';
import { SUB } from './rights.ts';

/** `users` have a token. */
type Grantee = 'everybody' | 'users' | 'nobody';

/** The grants of a channel rule. */
export interface GrantRule {
  readonly grants?: Readonly<Partial<Record<Right, Grantee | undefined>>> | undefined;
}

/** The `sub` of the client's token; undefined if it has no token. */
export type Asker = string | undefined;

interface Rule {
  readonly segments: readonly string[];
  readonly pattern: string;
  readonly grants: NonNullable<GrantRule['grants']>;
}

/**
 * The grants of channel rules. For each channel and right, the most specific rule with that right decides. A pattern is
 * granted if every channel in it is granted.
 */
export class RuleGrants {
  readonly #rules: readonly Rule[];

  constructor(byPattern: Readonly<Record<string, GrantRule>>) {
    this.#rules = Object.entries(byPattern).flatMap(([pattern, { grants }]) =>
      grants === undefined ? [] : [{ segments: pattern.split('/'), pattern, grants }],
    );
  }

  /** Whether the rules grant the right to every channel of a name or pattern. */
  covers(right: Right, asked: string, asker: Asker): boolean {
    const segments = asked.split('/');
    let best: { readonly pattern: string; readonly isNamed: boolean; readonly granted: boolean } | undefined;
    for (const rule of this.#rules) {
      const grantee = rule.grants[right];
      if (grantee === undefined) continue;
      const { pattern, isOwn, isForAll } = filled(rule, segments, asker);
      const granted = isOwn && grants(grantee, asker);
      const isNamed = pattern === rule.pattern;
      if (covers(pattern, asked)) {
        const isBetter =
          best === undefined || (pattern === best.pattern ? isNamed : covers(best.pattern, pattern));
        if (isBetter) best = { pattern, isNamed, granted };
      } else if (covers(asked, pattern) && (!granted || isForAll)) return false;
    }
    return best?.granted === true;
  }
}

function grants(grantee: Grantee, asker: Asker): boolean {
  return grantee === 'everybody' || (grantee === 'users' && asker !== undefined);
}

// A rule with `$sub` is for the channels of every user, and grants each user only that user's own.
function filled({ segments, pattern }: Rule, asked: readonly string[], asker: Asker) {
  let isOwn = true;
  // A star in place of `$sub` asks for the channels of all users.
  let isForAll = false;
  if (!segments.includes(SUB)) return { pattern, isOwn, isForAll };
  const all = segments.map((segment, at) => {
    const there = asked[at];
    if (segment !== SUB) return segment;
    if (there === undefined || there === '*' || there === '**') {
      isForAll = true;
      return segment;
    }
    isOwn &&= there === asker;
    return there;
  });
  return { pattern: all.join('/'), isOwn, isForAll };
}
