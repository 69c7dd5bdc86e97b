import { statSync } from 'node:fs';

/** The mode of a file in octal, if it has any of these bits. Windows keeps no such bits. */
export function modeWith(bits: number, file: string): string | undefined {
  const mode = process.platform === 'win32' ? 0 : statSync(file).mode & 0o777;
  return (mode & bits) === 0 ? undefined : mode.toString(8);
}
