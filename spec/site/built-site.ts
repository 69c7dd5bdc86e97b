import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Where `npm run docs` puts the site. */
export const folder = 'site';

/** A page of the site. */
export interface BuiltPage {
  /** Its path: `/guide/chat.html`. */
  readonly path: string;
  readonly html: string;
  readonly ids: ReadonlySet<string>;
  /** Addresses of its links, pictures, styles and scripts. */
  readonly targets: readonly string[];
}

/** Every page of the site. Throws if it was not built. */
export function builtPages(): readonly BuiltPage[] {
  if (!existsSync(join(folder, 'index.html'))) throw new Error('there is no site: npm run docs first');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.html')).map(builtPage);
}

function builtPage(file: string): BuiltPage {
  const html = readFileSync(join(folder, file), 'utf8');
  return {
    path: `/${file}`,
    html,
    ids: new Set(Array.from(html.matchAll(/\sid="([^"]+)"/g), ([, id = '']) => unescaped(id))),
    targets: Array.from(html.matchAll(/\s(?:href|src|srcset)="([^"]+)"/g), ([, to = '']) => unescaped(to)),
  };
}

const unescaped = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"');

/** Whether a link of a page leads nowhere. Other sites are not asked. */
export function isBroken(from: BuiltPage, target: string, pages: ReadonlyMap<string, BuiltPage>): boolean {
  if (/^[a-z]+:|^\/\//.test(target)) return false;
  const [path = '', anchor] = target.split('#');
  const to = path === '' ? from.path : posix.join(posix.dirname(from.path), path);
  const found = path.startsWith('/') ? path : to;
  const file = found.endsWith('/') ? `${found}index.html` : found;
  if (anchor === undefined || anchor === '') return !existsSync(join(folder, decodeURI(file)));
  return pages.get(file)?.ids.has(decodeURIComponent(anchor)) !== true;
}
