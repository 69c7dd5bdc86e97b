import { createHash, timingSafeEqual } from 'node:crypto';
import { UsageError } from '../lib/usage-error.ts';
import { checked } from '../options/check.ts';
import type { OptionTable } from '../options/table.ts';
import { type ChannelGrammar, covers } from '../protocol/channel.ts';

/** Rights of API keys. `admin` includes the others. */
const apiRights = ['publish', 'read', 'admin'] as const;

export type ApiRight = (typeof apiRights)[number];

/** A key of the HTTP API. */
export interface ApiKey {
  /** The name in the log and in answers. */
  readonly name: string;
  /** The key, instead of its hash. */
  readonly key?: string | undefined;
  /** `sha256:` and the SHA-256 of the key in hexadecimal, as `bayeuxd key` prints it. */
  readonly hash?: string | undefined;
  readonly rights: readonly ApiRight[];
  /** Patterns of the channels to publish to and to read. A key with the right `admin` has none: it is for every channel. */
  readonly channels?: readonly string[] | undefined;
}

/** The most keys, as each request is compared with each of them, and the most patterns of a key. */
const MAX_KEYS = 1_000;
const MAX_PATTERNS = 100;
/** The most patterns that an answer names. */
const SHOWN = 5;

const hashRow = {
  kind: 'string',
  pattern: /^sha256:[\da-f]{64}$/,
  what: '"sha256:" and 64 hexadecimal digits, as `bayeuxd key` prints them',
  doc: 'Hash of the key.',
} as const;

const otherRows = {
  rights: {
    kind: 'list',
    items: apiRights,
    required: true,
    doc: 'What the key is for; `admin` includes the others, and is for every channel.',
  },
  channels: {
    kind: 'list',
    what: 'channel names and patterns',
    doc: 'Channels to publish to and to read. Needed unless the key has the right `admin`.',
  },
} as const satisfies OptionTable;

/** The fields of a key in a configuration, by the name of the key. */
export const apiKeyRows = { hash: { ...hashRow, required: true }, ...otherRows } as const;

const codeRows = {
  key: { kind: 'string', pattern: /./, what: 'a key', secret: true, doc: 'The key.' },
  hash: hashRow,
  ...otherRows,
} as const satisfies OptionTable;

/** A key with its hash. */
class KnownKey {
  readonly name: string;
  readonly #digest: Buffer;
  readonly #rights: readonly ApiRight[];
  readonly #channels: readonly string[];

  constructor({ name, key, hash = '', rights, channels = ['/**'] }: ApiKey) {
    this.name = name;
    this.#digest = key === undefined ? Buffer.from(hash.slice('sha256:'.length), 'hex') : digestOf(key);
    this.#rights = rights;
    this.#channels = channels;
  }

  get hash(): string {
    return this.#digest.toString('hex');
  }

  isHashOf(digest: Buffer): boolean {
    return timingSafeEqual(digest, this.#digest);
  }

  /** Why the key may not do this on a channel, or at all; undefined if it may. */
  refusalOf(right: ApiRight, channel?: string): string | undefined {
    const [rights, channels] = [this.#rights, this.#channels];
    if (!rights.includes(right) && !rights.includes('admin'))
      return `the key "${this.name}" has not the right ${right}: its rights are ${rights.join(', ')}`;
    if (channel === undefined || channels.some((pattern) => covers(pattern, channel))) return undefined;
    const more = channels.length > SHOWN ? ` and ${channels.length - SHOWN} more` : '';
    const own = channels.slice(0, SHOWN).join(', ') + more;
    return `the key "${this.name}" may not ${right} ${right === 'publish' ? 'to ' : ''}${channel}: its channels are ${own}`;
  }
}

export type { KnownKey };

/** The keys of an API. */
export class KeyRing {
  readonly #keys: readonly KnownKey[];

  /** Throws `UsageError` for keys that cannot be used, or of which two have one name or one hash. */
  constructor(keys: readonly ApiKey[], grammar: ChannelGrammar) {
    if (keys.length > MAX_KEYS)
      throw new UsageError(`there are ${keys.length} API keys, at most ${MAX_KEYS}`);
    const known = new Map<string, KnownKey>();
    const byHash = new Map<string, string>();
    for (const key of keys) {
      checkKey(key, grammar);
      const made = new KnownKey(key);
      if (known.has(key.name)) throw new UsageError(`two API keys have the name "${key.name}": rename one`);
      const twin = byHash.get(made.hash);
      if (twin !== undefined)
        throw new UsageError(`the API keys "${twin}" and "${key.name}" are the same key: make another one`);
      known.set(key.name, made);
      byHash.set(made.hash, key.name);
    }
    this.#keys = [...known.values()];
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The key that has this text. Compares with each key, so that the time says nothing about the keys. */
  find(text: string): KnownKey | undefined {
    const digest = digestOf(text);
    let found: KnownKey | undefined;
    for (const key of this.#keys) if (key.isHashOf(digest)) found = key;
    return found;
  }
}

function checkKey(given: ApiKey, grammar: ChannelGrammar): void {
  const { name, ...fields } = given;
  if (typeof name !== 'string' || !/^[\w.@-]{1,64}$/.test(name))
    throw new UsageError('an API key needs a name of 1 to 64 letters, digits and - _ . @');
  checked({ kind: 'rules', rows: codeRows, doc: '' }, 'keys', { [name]: fields });
  const { key, hash, rights, channels } = given;
  const who = `the API key "${name}"`;
  if (key === '<redacted>')
    throw new UsageError(`${who} is "<redacted>", which stands for a key that was left out: give the key`);
  if ((key === undefined) === (hash === undefined))
    throw new UsageError(`${who} needs either key or hash: make them with bayeuxd key`);
  if (rights.length === 0)
    throw new UsageError(`${who} has no right: give it one of ${apiRights.join(', ')}`);
  if (rights.includes('admin')) {
    if (channels === undefined) return;
    throw new UsageError(`${who} has the right admin, which is for every channel: leave channels out`);
  }
  if (channels === undefined || channels.length === 0)
    throw new UsageError(`${who} has no channels: write channels: ["/**"] for every channel`);
  if (channels.length > MAX_PATTERNS)
    throw new UsageError(`${who} has ${channels.length} channels, at most ${MAX_PATTERNS}: use patterns`);
  const bad = channels.find((pattern) => !grammar.isNameOrPattern(pattern));
  if (bad !== undefined) throw new UsageError(`${who}: "${bad}" is no channel name or pattern`);
}

// Hashes have one length, as `timingSafeEqual` requires.
function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The hash of a key, as it stands in a configuration. */
export function hashOf(key: string): string {
  return `sha256:${digestOf(key).toString('hex')}`;
}
