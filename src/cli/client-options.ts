import { readFileSync } from 'node:fs';
import type { ClientSettings } from './client.ts';
import { unreadable } from '../lib/unreadable.ts';
import { ArgumentError } from './client-error.ts';
import type { Incoming } from './link.ts';

/** Options that `publish`, `subscribe` and `bench` share, unparsed. */
export interface ClientFlags {
  readonly header?: readonly string[];
  readonly ext?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
}

/** Parses them. Throws `ArgumentError`. */
export function clientSettings({ header = [], ext, ca, insecure = false }: ClientFlags): ClientSettings {
  return {
    headers: Object.fromEntries(header.map(headerOf)),
    ext: ext === undefined ? undefined : objectOf('--ext', ext),
    ca: ca === undefined ? undefined : contentOf('--ca', ca),
    insecure,
  };
}

/** Parses a whole number within these bounds. Throws `ArgumentError`. */
export function countOf(flag: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && value >= least && value <= most) return value;
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new ArgumentError(`${flag} must be a whole number ${bounds}, got "${text}"`);
}

function headerOf(text: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+):\s*([^\p{Cc}]*)$/u.exec(text) ?? [];
  if (name === '')
    throw new ArgumentError(`--header must be like 'Authorization: Bearer token', got "${text}"`);
  return [name.toLowerCase(), value.trim()];
}

function objectOf(flag: string, text: string): Incoming {
  const value = jsonOf(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ArgumentError(`${flag} must be a JSON object like '{"token":"secret"}', got "${text}"`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller reports the expected form.
  }
}

function contentOf(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new ArgumentError(`${flag}: ${file} cannot be read: ${unreadable(code)}`, { cause });
  }
}
