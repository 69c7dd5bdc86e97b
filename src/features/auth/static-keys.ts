import { readFileSync } from 'node:fs';
import { modeWith } from '../../lib/file-mode.ts';
import type { Log } from '../../lib/log.ts';
import { unreadable } from '../../lib/unreadable.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { isObject } from '../../protocol/message.ts';
import { type Key, keyOfJwk, keyOfPem, secretKeys } from './key.ts';
import type { AuthOptions } from './options.ts';

/**
 * The keys in the options and in the files that they name. Files that others may misuse are logged. Throws `UsageError`
 * with the option and the fault.
 */
export function staticKeys(options: AuthOptions, log?: Log): readonly Key[] {
  const { keyFile, secretFile } = options;
  const secret = secretOf(options);
  const keys = [
    ...(secret === undefined ? [] : secretKeys(secret)),
    ...(keyFile === undefined ? [] : keysIn(keyFile)),
  ];
  if (log !== undefined && secretFile !== undefined) warnOfSecret(secretFile, log);
  if (log !== undefined && keyFile !== undefined) warnOfKeys(keyFile, log);
  return keys;
}

/** The secret in the options or in the file that they name. Throws `UsageError`. */
export function secretOf({ secret, secretFile }: AuthOptions): string | undefined {
  return secretFile === undefined ? secret : secretIn(secretFile);
}

function warnOfSecret(file: string, log: Log): void {
  const mode = modeWith(0o077, file);
  const why = `other users can access the file with the secret of tokens: chmod 600 ${file}`;
  if (mode !== undefined) log({ level: 'warn', event: 'auth.secret_file_open', file, mode, why });
}

// Public keys are no secret, but a key that others write lets their tokens in.
function warnOfKeys(file: string, log: Log): void {
  const mode = modeWith(0o022, file);
  const why = `other users can write the file with the keys that verify tokens: chmod 644 ${file}`;
  if (mode !== undefined) log({ level: 'warn', event: 'auth.key_file_open', file, mode, why });
}

function secretIn(file: string): string {
  const secret = textOf('secretFile', file).trim();
  if (Buffer.byteLength(secret) < 32) throw unusable('secretFile', file, 'has less than 32 bytes');
  return secret;
}

function keysIn(file: string): readonly Key[] {
  const text = textOf('keyFile', file);
  try {
    const keys = text.trimStart().startsWith('{') ? keysOfJson(JSON.parse(text)) : [keyOfPem(text)];
    if (keys.length > 0) return keys;
  } catch (cause) {
    throw unusable(
      'keyFile',
      file,
      `cannot be used: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    );
  }
  throw unusable('keyFile', file, 'holds no key');
}

function keysOfJson(json: Readonly<Record<string, unknown>>): readonly Key[] {
  const list = Array.isArray(json.keys) ? json.keys : [json];
  return list.filter(isObject).map((jwk) => keyOfJwk(jwk));
}

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw unusable(option, file, `cannot be read: ${unreadable(code)}`, cause);
  }
}

function unusable(option: string, file: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`auth.${option}: ${file} ${why}`, { cause });
}
