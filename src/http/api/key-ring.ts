import { createHash, timingSafeEqual } from 'node:crypto';
import { UsageError } from '../../lib/usage-error.ts';
import { checked } from '../../options/check.ts';
import type { OptionTable } from '../../options/table.ts';
import { type ChannelGrammar, covers } from '../../protocol/channel.ts';

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
  /** Patterns of the channels that the key may publish to and read. Not for the right `admin`, which is for every channel. */
  readonly channels?: readonly string[] | undefined;
}

/** Most keys: each request is compared with all of them. */
const MAX_KEYS = 1_000;
/** Most patterns of a key. */
const MAX_PATTERNS = 100;
/** Most patterns that an answer names. */
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
    doc: 'Rights of the key. `admin` includes the others, on every channel.',
  },
  channels: {
    kind: 'list',
    what: 'channel names and patterns',
    doc: 'Channels that the key may publish to and read. Required unless the key has the right `admin`.',
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

  /** Explains why the key may not use this right, on this channel if there is one. Undefined if it may. */
  refusalOf(right: ApiRight, channel?: string): string | undefined {
    const [rights, channels] = [this.#rights, this.#channels];
    if (!rights.includes(right) && !rights.includes('admin'))
      return `the key "${this.name}" does not have the right ${right}: its rights are ${rights.join(', ')}`;
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

  /** Throws `UsageError` for keys that are not usable, and for two with the same name or hash. */
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

  /** The key with this text. Compares with all keys, so that the time does not depend on which key matches. */
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

// All hashes have the same length, as `timingSafeEqual` requires.
function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The hash of a key, in the form that a configuration has. */
export function hashOf(key: string): string {
  return `sha256:${digestOf(key).toString('hex')}`;
}
