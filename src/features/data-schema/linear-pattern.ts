import { RE2JS, RE2Set } from 're2js';

/**
 * Memory for the states that a pattern keeps between texts. With the library's default of 8 MiB, a text that needs new
 * states all the time takes twice as long: most of the time goes into creating and collecting states. Bytes.
 */
const STATES_BYTES = 2 * 1024 * 1024;

/** Most steps of one pattern: letters, classes and repeats. A counted repeat takes as many as it counts. */
const MAX_STEPS = 40;

/** Most steps of a pattern of fixed length, which is at only one step at a time: `^[0-9a-f]{64}$`. */
const MAX_FIXED_STEPS = 100;

// A pattern that begins with ^ and has no alternatives, and no repeats except such as `{64}`.
const FIXED = /^\^(?:\\(?:[pPu]\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]|\(\?:|\((?!\?)|\{\d+\}|[^\\[({*+?|])*$/su;

// Parts that RE2 reads differently from ECMAScript: surrogate pairs, escapes, `[` in a class, `.`
const PARTS = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\.|[[\].]/gsu;

// White space of ECMAScript, and all other characters. RE2 knows white space of ASCII only.
const SPACE = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NOT_SPACE = [
  String.raw`\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}`,
  String.raw`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`,
].join('');
const NOT_LINE_END = String.raw`[^\n\r\x{2028}\x{2029}]`;

/**
 * Compiles a pattern of a schema for RE2: for any pattern, the time to match grows in proportion to the text. Throws an
 * `Error` that says what to write instead.
 */
export function linearPattern(pattern: string): LinearPattern {
  new RegExp(pattern, 'u'); // Throws when the pattern is not valid in JSON Schema.
  const translated = inRe2(pattern);
  const maxSteps = FIXED.test(pattern) ? MAX_FIXED_STEPS : MAX_STEPS;
  if (stepsOf(translated) <= maxSteps) return new LinearPattern(translated);
  throw new Error(
    `has more than ${maxSteps} steps, and a counted repeat takes as many as it counts: write minLength and maxLength instead of a large count`,
  );
}

// The name that ajv would use in generated code.
linearPattern.code = 'linearPattern';

// A set of one pattern, since only sets have a memory limit for their states.
class LinearPattern {
  readonly #pattern: string;
  readonly #set = new RE2Set(RE2Set.UNANCHORED, 0, STATES_BYTES);

  constructor(translated: string) {
    this.#pattern = translated;
    this.#set.add(translated);
  }

  test(text: string): boolean {
    return this.#set.match(text).length > 0;
  }

  /** ajv distinguishes patterns by this text. */
  toString(): string {
    return this.#pattern;
  }
}

function stepsOf(translated: string): number {
  try {
    return RE2JS.compile(translated).programSize();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `cannot be matched in one pass over a text (${why}): write several patterns in allOf instead of (?=...), not: { pattern } instead of (?!...), the texts themselves instead of \\1, and ranges instead of long names in \\p{...}`,
      { cause },
    );
  }
}

function inRe2(pattern: string): string {
  let isInClass = false;
  const translated = pattern.replace(PARTS, (part) => {
    if (part.length > 2) return String.fromCharCode(...halves(part));
    if (part === '\\s') return isInClass ? SPACE : `[${SPACE}]`;
    if (part === '\\S') return isInClass ? NOT_SPACE : `[${NOT_SPACE}]`;
    if (part === '.') return isInClass ? part : NOT_LINE_END;
    if (part === '[' && isInClass) return '\\[';
    if (part === '[' || part === ']') isInClass = part === '[';
    return part;
  });
  return RE2JS.translateRegExp(translated);
}

// `\ud83d\ude00`
function halves(pair: string): number[] {
  return pair
    .split('\\u')
    .slice(1)
    .map((hex) => Number.parseInt(hex, 16));
}
