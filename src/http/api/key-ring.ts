import { createHash, timingSafeEqual } from 'node:crypto';
import { UsageError } from '../../lib/usage-error.ts';
import { checked } from '../../options/check.ts';
import type { OptionTable } from '../../options/table.ts';
import type { ChannelGrammar } from '../../protocol/channel.ts';
import { type ApiGrant, type ApiRight, apiRights, Caller } from './caller.ts';

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
  /** Requests a second that the key may send, on average; as many may come at once. Absent: no limit. */
  readonly rate?: number | undefined;
}

/** Most keys: each request is compared with all of them. */
const MAX_KEYS = 1_000;
/** Most patterns of a key. */
const MAX_PATTERNS = 100;

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
  rate: {
    kind: 'number',
    unit: 'requests',
    min: 0.01,
    max: 1_000_000,
    doc: 'Requests a second that the key may send, on average; as many may come at once. Above it they get 429. Unset: no limit.',
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
  readonly caller: Caller;
  readonly #digest: Buffer;

  constructor({ name, key, hash = '', ...grant }: ApiKey) {
    this.caller = new Caller('key', name, grant);
    this.#digest = key === undefined ? Buffer.from(hash.slice('sha256:'.length), 'hex') : digestOf(key);
  }

  get hash(): string {
    return this.#digest.toString('hex');
  }

  isHashOf(digest: Buffer): boolean {
    return timingSafeEqual(digest, this.#digest);
  }
}

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

  /** The owner of the key with this text. Compares with all keys, so that the time does not depend on which key matches. */
  find(text: string): Caller | undefined {
    const digest = digestOf(text);
    let found: Caller | undefined;
    for (const key of this.#keys) if (key.isHashOf(digest)) found = key.caller;
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
  const why = faultOfGrant({ rights, channels }, grammar);
  if (why !== undefined) throw new UsageError(`${who} ${why}`);
}

/** In words, what is wrong with rights and channels; undefined if nothing is. */
export function faultOfGrant({ rights, channels }: ApiGrant, grammar: ChannelGrammar): string | undefined {
  if (rights.length === 0) return `has no right: give it one of ${apiRights.join(', ')}`;
  if (rights.includes('admin'))
    return channels && 'has the right admin, which is for every channel: leave channels out';
  if (channels === undefined || channels.length === 0)
    return 'has no channels: write channels: ["/**"] for every channel';
  if (channels.length > MAX_PATTERNS)
    return `has ${channels.length} channels, at most ${MAX_PATTERNS}: use patterns`;
  const bad = channels.find((pattern) => !grammar.isNameOrPattern(pattern));
  return bad === undefined ? undefined : `has channels in which "${bad}" is no channel name or pattern`;
}

// All hashes have the same length, as `timingSafeEqual` requires.
function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The hash of a key, in the form that a configuration has. */
export function hashOf(key: string): string {
  return `sha256:${digestOf(key).toString('hex')}`;
}
