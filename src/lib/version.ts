import { readFileSync } from 'node:fs';

let read: string | undefined;

/** The version of this package; empty where an application was bundled without its `package.json`. */
export function version(): string {
  read ??= versionIn(new URL('../../package.json', import.meta.url));
  return read;
}

function versionIn(file: URL): string {
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof manifest !== 'object' || manifest === null) return '';
    return Reflect.get(manifest, 'name') === 'bayeuxd' ? String(Reflect.get(manifest, 'version')) : '';
  } catch {
    return '';
  }
}
