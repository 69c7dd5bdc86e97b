import type { Right } from '../../ports/feature.ts';
import { type ChannelGrammar, covers } from '../../protocol/channel.ts';
import { isObject } from '../../protocol/message.ts';
import { TokenRefusal } from './refusal.ts';
import { rights, SUB } from './rights.ts';

/** The most patterns a token may grant for one right. */
const MAX_PATTERNS = 100;

/** What a token grants. */
export class TokenGrants {
  readonly #patterns: Readonly<Partial<Record<Right, readonly string[]>>>;

  private constructor(patterns: Readonly<Partial<Record<Right, readonly string[]>>>) {
    this.#patterns = patterns;
  }

  /** Reads the claim; one that is absent grants nothing. Throws `TokenRefusal` for one that cannot be read. */
  static of(claim: unknown, sub: string, grammar: ChannelGrammar): TokenGrants {
    if (claim === undefined) return new TokenGrants({});
    if (!isObject(claim)) throw unreadable();
    const lists = rights.map((right) => [right, own(claim, right, sub, grammar)] as const);
    return new TokenGrants(Object.fromEntries(lists));
  }

  /** Whether a grant takes in all that is asked for. */
  covers(right: Right, asked: string): boolean {
    return this.#patterns[right]?.some((pattern) => covers(pattern, asked)) === true;
  }
}

function own(claim: object, right: Right, sub: string, grammar: ChannelGrammar): readonly string[] {
  const given: unknown = Object.hasOwn(claim, right) ? Reflect.get(claim, right) : [];
  if (!Array.isArray(given) || given.length > MAX_PATTERNS) throw unreadable();
  return given.flatMap((pattern) =>
    typeof pattern === 'string' ? filled(pattern, sub, grammar) : unreadable(),
  );
}

// What `$sub` stands for is one segment: a `sub` with a slash, or a star, is the name of no channel.
function filled(pattern: string, sub: string, grammar: ChannelGrammar): string[] {
  if (!grammar.isNameOrPattern(pattern)) throw unreadable();
  const segments = pattern.split('/');
  if (!segments.includes(SUB)) return [pattern];
  if (!isSegment(sub, grammar)) return [];
  return [segments.map((segment) => (segment === SUB ? sub : segment)).join('/')];
}

/** Whether a channel name may have this as one segment. */
function isSegment(text: string, grammar: ChannelGrammar): boolean {
  return !text.includes('/') && grammar.isName(`/${text}`);
}

function unreadable(): never {
  throw new TokenRefusal(
    'invalid',
    `its claim auth.grantsClaim is not { ${rights.join(', ')} }, each a list of at most ${MAX_PATTERNS} channel patterns`,
  );
}
