import { covers } from '../../protocol/channel.ts';
import { Problem } from './problem.ts';

/** Rights of API keys and tokens. `admin` includes the others. */
export const apiRights = ['publish', 'read', 'admin'] as const;

export type ApiRight = (typeof apiRights)[number];

/** The rights of a key or token. */
export interface ApiGrant {
  readonly rights: readonly ApiRight[];
  /** Patterns of channels; absent means every channel. */
  readonly channels?: readonly string[] | undefined;
  /** Requests a second, on average; as many may come at once. Absent: no limit. */
  readonly rate?: number | undefined;
}

/** Most patterns that an answer names. */
const SHOWN = 5;

const doing = { publish: 'publish to', read: 'read', admin: 'administer' } as const;

/** The caller of the API: a key or a token, and its rights. */
export class Caller {
  readonly kind: 'key' | 'token';
  /** The name of the key, or the user of the token. */
  readonly name: string;
  /** Requests a second; undefined without a limit. */
  readonly rate: number | undefined;
  /** `admin` includes the others. */
  readonly rights: readonly ApiRight[];
  /** Patterns of channels. */
  readonly channels: readonly string[];
  readonly #who: string;

  constructor(kind: 'key' | 'token', name: string, { rights, channels = ['/**'], rate }: ApiGrant) {
    this.kind = kind;
    this.name = name;
    this.rate = rate;
    this.#who = kind === 'key' ? `the key "${name}"` : `the token of "${name}"`;
    this.rights = rights;
    this.channels = channels;
  }

  /** In the log, and to keep callers apart: `key ci`, `token ann`. */
  get id(): string {
    return `${this.kind} ${this.name}`;
  }

  /** Whether the caller has this right for every channel of the name or pattern. */
  may(right: ApiRight, channel: string): boolean {
    return this.#has(right) && this.#covers(channel);
  }

  /**
   * Throws `Problem` unless the caller has this right, for every channel of the name or pattern. Without a channel the right alone
   * counts.
   */
  check(right: ApiRight, channel?: string): void {
    const { rights, channels } = this;
    if (!this.#has(right))
      throw new Problem(
        'right_missing',
        `${this.#who} does not have the right ${right}: its rights are ${rights.join(', ') || 'none'}`,
      );
    if (channel === undefined || this.#covers(channel)) return;
    const more = channels.length > SHOWN ? ` and ${channels.length - SHOWN} more` : '';
    const own = channels.slice(0, SHOWN).join(', ') + more;
    throw new Problem(
      'channel_denied',
      `${this.#who} may not ${doing[right]} ${channel}: its channels are ${own}`,
    );
  }

  #has(right: ApiRight): boolean {
    return this.rights.includes(right) || this.rights.includes('admin');
  }

  #covers(channel: string): boolean {
    return this.channels.some((pattern) => covers(pattern, channel));
  }
}
