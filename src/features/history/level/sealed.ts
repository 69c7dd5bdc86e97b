import { crc32 } from 'node:zlib';

const DIGITS = 8;

/** A value as it is written: a checksum of its key and itself, then the value. So damage is detected on reading. */
export function seal(key: string, value: string): string {
  return checksum(key, value) + value;
}

/** The value without its checksum; undefined when it is absent or damaged. */
export function unseal(key: string, sealed: string | undefined): string | undefined {
  if (sealed === undefined) return undefined;
  const value = sealed.slice(DIGITS);
  return sealed.slice(0, DIGITS) === checksum(key, value) ? value : undefined;
}

function checksum(key: string, value: string): string {
  return crc32(value, crc32(key)).toString(16).padStart(DIGITS, '0');
}
