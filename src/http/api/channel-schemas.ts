import { ChannelGrammar, type ChannelRules, kindOf } from '../../protocol/channel.ts';
import { type Checker, checker, type Schema } from './checker.ts';

const letters = { bayeux: '\\-A-Za-z0-9_!~\\(\\)$@', cometd: '\\-A-Za-z0-9_!~\\(\\)$@ #+.\\{\\}' } as const;

/** Schemas of channel names and patterns as the options of a server allow them, with words for those that do not fit. */
export class ChannelSchemas {
  /** The name of a channel that one can publish to. */
  readonly broadcast: Schema;
  /** The name of a channel that a session can receive on: a service channel, too. */
  readonly receivable: Schema;
  /** A name or a pattern. */
  readonly pattern: Schema;
  readonly #rules: ChannelRules;
  readonly #grammar: ChannelGrammar;

  constructor(rules: ChannelRules) {
    const { channelNames, maxChannelLength: maxLength, maxChannelSegments: most } = rules;
    const segment = `/[${letters[channelNames]}]+`;
    const common = { type: 'string', maxLength };
    this.#rules = rules;
    this.#grammar = new ChannelGrammar(rules);
    this.broadcast = {
      ...common,
      title: 'Channel',
      pattern: `^(?!/(?:meta|service)(?:/|$))(?:${segment}){1,${most}}$`,
      examples: ['/chat/news'],
    };
    this.receivable = {
      ...common,
      title: 'ReceivableChannel',
      pattern: `^(?!/meta(?:/|$))(?:${segment}){1,${most}}$`,
      examples: ['/private/offer'],
    };
    this.pattern = {
      ...common,
      title: 'ChannelPattern',
      pattern: `^(?:(?:${segment}){1,${most}}|(?:${segment}){0,${most - 1}}/\\*{1,2})$`,
      examples: ['/chat/*', '/chat/**'],
    };
  }

  /** A checker of bodies in which channels may be wrong. */
  body<T>(schema: Schema): Checker<T> {
    return checker('body', schema, this.#words);
  }

  /** A checker of queries in which channels may be wrong. */
  query<T>(schema: Schema): Checker<T> {
    return checker('query', schema, this.#words);
  }

  readonly #words = {
    Channel: (text: string) =>
      kindOf(text) === 'broadcast'
        ? this.#name(text)
        : 'must be a broadcast channel, not one below /meta or /service',
    ReceivableChannel: (text: string) =>
      kindOf(text) === 'meta' ? 'must not be a channel below /meta' : this.#name(text),
    ChannelPattern: (text: string) =>
      this.#text(text, this.#grammar.isNameOrPattern(text), 'and a * or ** at the end'),
  };

  #name(text: string): string | undefined {
    if (text.includes('*')) return 'must be one channel, not a pattern';
    return this.#text(text, this.#grammar.isName(text), '');
  }

  #text(text: string, isGood: boolean, more: string): string | undefined {
    const { maxChannelLength, maxChannelSegments, channelNames } = this.#rules;
    if (isGood) return undefined;
    if (!text.startsWith('/')) return 'must begin with "/"';
    if (text.endsWith('/') || text.includes('//')) return 'must not have an empty segment';
    if (text.length > maxChannelLength)
      return `must not be longer than ${maxChannelLength} characters; raise "maxChannelLength"`;
    if (text.split('/').length - 1 > maxChannelSegments)
      return `must not have more than ${maxChannelSegments} segments; raise "maxChannelSegments"`;
    const others = channelNames === 'cometd' ? ' # + . { } and space' : '';
    return ['must be made of letters, digits and - _ ! ~ ( ) $ @', others, more && ` ${more}`].join('');
  }
}
