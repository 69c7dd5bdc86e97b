import { readFileSync } from 'node:fs';
import { unreadable } from '../lib/unreadable.ts';
import { ArgumentError } from './client-error.ts';
import { type ClientFlags, clientSettings } from './client-options.ts';
import type { Env } from './config.ts';
import type { LinkOptions } from './link.ts';
import { urlVariable } from './options.ts';

/** The flags of every command that calls the HTTP API, as they were written. */
export interface ApiFlags extends Pick<ClientFlags, 'header' | 'ca' | 'insecure'> {
  readonly url?: string;
  readonly key?: string;
  readonly keyFile?: string;
}

/** The HTTP API of a server, and the key for it. */
export interface ApiAccess extends LinkOptions {
  /** Without a slash at the end. */
  readonly url: string;
  /** Whether the user named no address. */
  readonly isUsual: boolean;
  readonly key: string;
  /** The flag or variable with the key. */
  readonly keyFrom: string;
}

/** The address of a server on this machine. */
const HERE = 'http://127.0.0.1:8000/api';

/** The address and the key that the flags or else the variables name. Throws `ArgumentError` for a bad one. */
export function apiAccess(flags: ApiFlags, env: Env): ApiAccess {
  const named = flags.url ?? env[urlVariable];
  const url = named ?? HERE;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new ArgumentError(`"${url}" is no http or https address, such as ${HERE}`);
  const { key, from: keyFrom } = keyOf(flags) ?? keyFromEnv(env) ?? noKey();
  return {
    ...clientSettings(flags),
    url: url.replace(/\/+$/, ''),
    isUsual: named === undefined,
    key,
    keyFrom,
  };
}

interface Found {
  readonly key: string;
  readonly from: string;
}

/** The key that the flags give. Throws `ArgumentError` for one that cannot be sent. */
export function keyOf({ key, keyFile }: Pick<ApiFlags, 'key' | 'keyFile'>): Found | undefined {
  if (key !== undefined && keyFile !== undefined)
    throw new ArgumentError('--key and --key-file exclude each other: leave one out');
  if (key !== undefined) return sendable(key, '--key');
  return keyFile === undefined ? undefined : keyIn(keyFile, '--key-file');
}

function keyFromEnv(env: Env): Found | undefined {
  const { BAYEUXD_API_KEY: key = '', BAYEUXD_API_KEY_FILE: file = '' } = env;
  if (key !== '') return sendable(key, 'BAYEUXD_API_KEY');
  return file === '' ? undefined : keyIn(file, 'BAYEUXD_API_KEY_FILE');
}

function keyIn(file: string, from: string): Found {
  try {
    return sendable(readFileSync(file, 'utf8').trim(), from);
  } catch (cause) {
    if (cause instanceof ArgumentError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new ArgumentError(`${from}: ${file} cannot be read: ${unreadable(code)}`, { cause });
  }
}

function sendable(key: string, from: string): Found {
  if (/^[!-~]+$/.test(key)) return { key, from };
  throw new ArgumentError(`${from} has no key of visible ASCII characters without spaces`);
}

function noKey(): never {
  throw new ArgumentError(
    'a key of the HTTP API is needed: give --key or --key-file, or set BAYEUXD_API_KEY',
  );
}
