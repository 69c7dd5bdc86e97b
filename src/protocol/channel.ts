/** What a channel is for (CH-6). */
export type ChannelKind = 'meta' | 'service' | 'broadcast';

/** The one place that decides what kind a channel, or a pattern, is. */
export function kindOf(channel: string): ChannelKind {
  if (channel === '/meta' || channel.startsWith('/meta/')) return 'meta';
  return channel === '/service' || channel.startsWith('/service/') ? 'service' : 'broadcast';
}

/** The segments of a name or pattern: `/a/b` has `a` and `b`. */
export function segmentsOf(channel: string): string[] {
  return channel.slice(1).split('/');
}

/** Whether a name or pattern takes in all channels of another one. Both have to be legal. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  if (wide.endsWith('/**')) return narrow.startsWith(wide.slice(0, -2));
  if (!wide.endsWith('/*') || !narrow.startsWith(wide.slice(0, -1))) return false;
  const rest = narrow.slice(wide.length - 1);
  return rest !== '**' && !rest.includes('/');
}

/** How channel names are spelled, and how long they may be. */
export interface ChannelRules {
  /** `bayeux` is the strict set both families read; `cometd` adds space, `#`, `+`, `.`, `{` and `}` (CH-4, CH-5). */
  readonly channelNames: 'bayeux' | 'cometd';
  /** Characters (CH-8). */
  readonly maxChannelLength: number;
  /** Segments (CH-8). */
  readonly maxChannelSegments: number;
}

const segment = { bayeux: '[A-Za-z0-9\\-_!~()$@]+', cometd: '[A-Za-z0-9\\-_!~()$@ #+.{}]+' };

/** Tells legal channel names and patterns from others. */
export class ChannelGrammar {
  readonly #rules: ChannelRules;
  readonly #name: RegExp;
  readonly #pattern: RegExp;

  constructor(rules: ChannelRules) {
    const one = `\\/${segment[rules.channelNames]}`;
    this.#rules = rules;
    this.#name = new RegExp(`^(?:${one})+$`);
    this.#pattern = new RegExp(`^(?:${one})*\\/\\*{1,2}$`);
  }

  /** Whether it names one channel. */
  isName(text: string): boolean {
    return this.#fits(text) && this.#name.test(text);
  }

  /** Whether it is a name, or ends in `*` or `**` as a whole last segment (CH-2). */
  isNameOrPattern(text: string): boolean {
    return this.#fits(text) && (this.#name.test(text) || this.#pattern.test(text));
  }

  // Length first: no expression runs over a long text.
  #fits(text: string): boolean {
    if (text.length > this.#rules.maxChannelLength) return false;
    let segments = 0;
    for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) segments += 1;
    return segments <= this.#rules.maxChannelSegments;
  }
}
