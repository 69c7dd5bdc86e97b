import { readFileSync } from 'node:fs';
import { UsageError } from '../../lib/usage-error.ts';
import { isObject } from '../../protocol/message.ts';
import { type Key, keyOfJwk, keyOfPem, secretKey } from './key.ts';
import type { AuthOptions } from './options.ts';

/** The keys in the options and in the files that they name. Throws `UsageError` with the option and the fault. */
export function staticKeys(options: AuthOptions): readonly Key[] {
  const { keyFile } = options;
  const secret = secretOf(options);
  return [
    ...(secret === undefined ? [] : [secretKey(secret)]),
    ...(keyFile === undefined ? [] : keysIn(keyFile)),
  ];
}

/** The secret in the options or in the file that they name. Throws `UsageError`. */
export function secretOf({ secret, secretFile }: AuthOptions): string | undefined {
  return secretFile === undefined ? secret : secretIn(secretFile);
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
    throw unusable(option, file, `cannot be read: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

function unusable(option: string, file: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`auth.${option}: ${file} ${why}`, { cause });
}
