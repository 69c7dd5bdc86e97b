import { createHash } from 'node:crypto';
import type { RedisConnection } from '../connection/redis-connection.ts';
import { RedisError } from '../connection/redis-error.ts';
import { sendReplicated } from '../connection/replicated.ts';
import type { Keys } from '../keys.ts';
import { listOf, numberOf, textOf } from '../reply.ts';

/** A Lua script, called by its digest. */
export class Script {
  readonly text: string;
  readonly digest: string;

  constructor(text: string) {
    this.text = text.trim();
    this.digest = createHash('sha1').update(this.text).digest('hex');
  }
}

/** Begin of every script. `p` is the prefix of all keys. */
export const preamble = `
local p = string.sub(KEYS[1], 1, -5)
local node = ARGV[1]
`;

/** Begin of every script of a node with a lease: ARGV 1 and 2 are its name and the birth of the data that it knows. */
export const checks = `${preamble}
if redis.call('EXISTS', p .. 'n:' .. node) == 0 then return {'FENCED'} end
if redis.call('HGET', KEYS[1], 'birth') ~= ARGV[2] then return {'REBORN'} end
`;

/** Milliseconds of Redis. */
export const clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

// Of a call that was carried out before: a write that changes nothing, since WAIT waits for the last write of its own connection.
const again = `redis.call('HSET', p .. 'c', field, last)`;

/** Begin of a script whose publications have running numbers. ARGV 3 is the first number. */
export const inOrder = `
local field = 'g:' .. node
local last = tonumber(redis.call('HGET', p .. 'c', field) or '0')
if tonumber(ARGV[3]) ~= last + 1 then
  ${again}
  return {'ORDER', last}
end
`;

/** Begin of a script whose calls have running numbers. ARGV 3 is the number; `counter` names the field. */
export const numbered = (counter: string): string => `
local field = '${counter}:' .. node
local last = tonumber(redis.call('HGET', p .. 'c', field) or '0')
local number = tonumber(ARGV[3])
if number <= last then
  ${again}
  return {'OK'}
end
if number > last + 1 then return {'ORDER', last} end
`;

/** Who calls a script: the node, and the birth of the data it knows. */
export interface Caller {
  readonly node: string;
  readonly birth: string;
}

/**
 * Why a script did nothing. `FENCED`: the node has no lease. `REBORN`: the data is another than the node knows. `ORDER`: the number of the
 * call is not the next one; `last` is the last that was carried out.
 */
type Refusal = { readonly is: 'FENCED' | 'REBORN' } | { readonly is: 'ORDER'; readonly last: number };

/** The answer of a script. */
export type Outcome<T> = { readonly is: 'OK'; readonly value: T } | Refusal;

/** Runs scripts on one connection. */
export class ScriptRunner {
  readonly keys: Keys;
  readonly #connection: RedisConnection;
  readonly #isReplicated: boolean;

  /** `isReplicated`: a script counts as run only when a replica has what it wrote. */
  constructor(connection: RedisConnection, keys: Keys, isReplicated = false) {
    this.#connection = connection;
    this.keys = keys;
    this.#isReplicated = isReplicated;
  }

  /**
   * Runs a script. A Redis that does not know it gets its text. Rejects with `RedisError`: with an unknown outcome too where no replica
   * confirmed in time. Then the connection is opened anew, maybe to another Redis.
   */
  async run<T>(
    script: Script,
    args: readonly string[],
    read: (values: readonly unknown[]) => T,
  ): Promise<Outcome<T>> {
    const rest = ['1', this.keys.meta, ...args];
    const reply = await this.#send(['EVALSHA', script.digest, ...rest]).catch((error: unknown) => {
      if (!(error instanceof RedisError) || error.word !== 'NOSCRIPT') throw error;
      return this.#send(['EVAL', script.text, ...rest]);
    });
    return outcomeOf(listOf(reply), read);
  }

  #send(args: readonly string[]): Promise<unknown> {
    return this.#isReplicated ? sendReplicated(this.#connection, args) : this.#connection.send(args);
  }
}

function outcomeOf<T>(
  [status, ...values]: readonly unknown[],
  read: (values: readonly unknown[]) => T,
): Outcome<T> {
  const is = textOf(status);
  if (is === 'OK') return { is, value: read(values) };
  if (is === 'FENCED' || is === 'REBORN') return { is };
  if (is === 'ORDER') return { is, last: numberOf(values[0]) };
  throw new Error(`a script answered ${is}`);
}

/** For scripts that answer no values. */
export const nothing = (): void => {};
