import { isUtf8 } from 'node:buffer';
import { HttpError } from './http.ts';

const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;

/**
 * The values of one parameter of a form or a query, in order. `encoded` has one character for each byte (latin1).
 * Throws `HttpError` 400 when a value is not UTF-8 (MSG-11); a `%` that begins no escape stands for itself.
 */
export function valuesOf(encoded: string, name: string): string[] {
  const values: string[] = [];
  for (const pair of encoded.split('&')) {
    const at = pair.indexOf('=');
    const key = at === -1 ? pair : pair.slice(0, at);
    if (key === name || (couldBe(key, name) && percentDecoded(key) === name)) {
      values.push(at === -1 ? '' : percentDecoded(pair.slice(at + 1)));
    }
  }
  return values;
}

// An escaped name is longer: each escape adds two characters.
function couldBe(key: string, name: string): boolean {
  const escapes = (key.length - name.length) / 2;
  return Number.isInteger(escapes) && escapes > 0 && escapes <= name.length && key.includes('%');
}

// All other characters stand for themselves.
const encodedCharacter = /[%+\x80-\xff]/;

function percentDecoded(encoded: string): string {
  if (!encodedCharacter.test(encoded)) return encoded;
  const bytes = Buffer.from(encoded, 'latin1');
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    const escaped = byte === PERCENT ? hex(encoded, at + 1) : undefined;
    bytes[length++] = escaped ?? (byte === PLUS ? SPACE : byte);
    if (escaped !== undefined) at += 2;
  }
  const decoded = bytes.subarray(0, length);
  if (!isUtf8(decoded)) throw new HttpError(400, 'Bad request: the form is not UTF-8');
  return decoded.toString();
}

function hex(text: string, at: number): number | undefined {
  const high = digit(text.charCodeAt(at));
  const low = digit(text.charCodeAt(at + 1));
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function digit(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}
