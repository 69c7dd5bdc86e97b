/** The three kinds of channels (CH-6). */
export type ChannelKind = 'meta' | 'service' | 'broadcast';

/** The kind of a channel or pattern. No other code decides this. */
export function kindOf(channel: string): ChannelKind {
  if (channel === '/meta' || channel.startsWith('/meta/')) return 'meta';
  return channel === '/service' || channel.startsWith('/service/') ? 'service' : 'broadcast';
}

/** The segments of a name or pattern: `/a/b` has `a` and `b`. */
export function segmentsOf(channel: string): string[] {
  return channel.slice(1).split('/');
}

/** Whether every channel that `narrow` matches is matched by `wide`. Both are legal names or patterns. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  if (wide.endsWith('/**')) return narrow.startsWith(wide.slice(0, -2));
  if (!wide.endsWith('/*') || !narrow.startsWith(wide.slice(0, -1))) return false;
  const rest = narrow.slice(wide.length - 1);
  return rest !== '**' && !rest.includes('/');
}

/** The characters that channel names may have, and their length. */
export interface ChannelRules {
  /** `bayeux` is the set that Faye and CometD both accept; `cometd` adds space, `#`, `+`, `.`, `{` and `}` (CH-4, CH-5). */
  readonly channelNames: 'bayeux' | 'cometd';
  /** Characters (CH-8). */
  readonly maxChannelLength: number;
  /** Segments (CH-8). */
  readonly maxChannelSegments: number;
}

const segment = { bayeux: '[A-Za-z0-9\\-_!~()$@]+', cometd: '[A-Za-z0-9\\-_!~()$@ #+.{}]+' };

/** Checks channel names and patterns. */
export class ChannelGrammar {
  readonly #rules: ChannelRules;
  readonly #name: RegExp;
  readonly #pattern: RegExp;

  constructor(rules: ChannelRules) {
    const withSlash = `\\/${segment[rules.channelNames]}`;
    this.#rules = rules;
    this.#name = new RegExp(`^(?:${withSlash})+$`);
    this.#pattern = new RegExp(`^(?:${withSlash})*\\/\\*{1,2}$`);
  }

  /** Whether the text is the name of one channel. */
  isName(text: string): boolean {
    return this.#fits(text) && this.#name.test(text);
  }

  /** Whether the text is a name, or a pattern: its last segment is `*` or `**` (CH-2). */
  isNameOrPattern(text: string): boolean {
    return this.#fits(text) && (this.#name.test(text) || this.#pattern.test(text));
  }

  // The length is checked first, so that no regular expression runs over a long text.
  #fits(text: string): boolean {
    const { maxChannelLength, maxChannelSegments } = this.#rules;
    if (text.length > maxChannelLength) return false;
    // Legal segments have two characters at least, with their slashes.
    if (text.length < 2 * (maxChannelSegments + 1)) return true;
    let segments = 0;
    for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) segments += 1;
    return segments <= maxChannelSegments;
  }
}
