import type { Right } from '../../ports/feature.ts';
import { type ChannelGrammar, covers } from '../../protocol/channel.ts';
import { isObject } from '../../protocol/message.ts';
import { TokenRefusal } from './refusal.ts';
import { rights, SUB } from './rights.ts';

/** Limit of patterns for one right of a token. */
const MAX_PATTERNS = 100;

/** The grants of a token. */
export class TokenGrants {
  readonly #patterns: Readonly<Partial<Record<Right, readonly string[]>>>;

  private constructor(patterns: Readonly<Partial<Record<Right, readonly string[]>>>) {
    this.#patterns = patterns;
  }

  /** Reads the claim. An absent claim grants nothing. Throws `TokenRefusal` for an invalid one. */
  static of(claim: unknown, sub: string, grammar: ChannelGrammar): TokenGrants {
    if (claim === undefined) return new TokenGrants({});
    if (!isObject(claim)) throw unreadable();
    const lists = rights.map((right) => [right, own(claim, right, sub, grammar)] as const);
    return new TokenGrants(Object.fromEntries(lists));
  }

  /** Whether one grant covers every channel of a name or pattern. */
  covers(right: Right, asked: string): boolean {
    return this.#patterns[right]?.some((pattern) => covers(pattern, asked)) === true;
  }
}

function own(claim: object, right: Right, sub: string, grammar: ChannelGrammar): readonly string[] {
  const patterns: unknown = Object.hasOwn(claim, right) ? Reflect.get(claim, right) : [];
  if (!Array.isArray(patterns) || patterns.length > MAX_PATTERNS) throw unreadable();
  return patterns.flatMap((pattern) =>
    typeof pattern === 'string' ? filled(pattern, sub, grammar) : unreadable(),
  );
}

// `$sub` becomes one segment. A `sub` that is no legal segment, such as `a/b` or `*`, grants nothing.
function filled(pattern: string, sub: string, grammar: ChannelGrammar): string[] {
  if (!grammar.isNameOrPattern(pattern)) throw unreadable();
  const segments = pattern.split('/');
  if (!segments.includes(SUB)) return [pattern];
  if (!isSegment(sub, grammar)) return [];
  return [segments.map((segment) => (segment === SUB ? sub : segment)).join('/')];
}

/** Whether a text is one legal segment of a channel name. */
function isSegment(text: string, grammar: ChannelGrammar): boolean {
  return !text.includes('/') && grammar.isName(`/${text}`);
}

function unreadable(): never {
  throw new TokenRefusal(
    'invalid',
    `its claim auth.grantsClaim is not { ${rights.join(', ')} }, each a list of at most ${MAX_PATTERNS} channel patterns`,
  );
}
