// Copies the documentation for the site, with links that lead to pages of the site.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { pages } from './pages.js';

const nameOf = new Map(pages.map(([name, file]) => [file, name]));

/** Writes every page of the documentation, its pictures and the page at the front into this folder. */
export function compose(root, source) {
  for (const [name, file] of pages) {
    const target = join(source, `${name}.md`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, linked(readFileSync(join(root, file), 'utf8'), name, file));
  }
  cpSync(join(root, 'docs/images'), join(source, 'public/images'), { recursive: true });
  cpSync(join(root, 'src/http/pages/icon.svg'), join(source, 'public/icon.svg'));
  cpSync(join(root, 'scripts/site/home.md'), join(source, 'index.md'));
}

/** The text of a page with other links. Code stays as it is, and what the site does not have becomes plain text. */
function linked(text, name, file) {
  const code = [];
  const held = text.replaceAll(/^```.*?^```$|`[^`\n]*`/gms, (match) => `\0${code.push(match) - 1}\0`);
  const other = held
    .replaceAll(/\[([^\]]*)\]\(([^)\s]+)\)/g, (_, words, href) => link(words, href, name, file))
    .replaceAll(/(src|srcset)="(docs\/)?images\//g, '$1="/images/');
  return other.replaceAll(/\0(\d+)\0/g, (_, at) => code[at]);
}

function link(words, href, name, file) {
  if (/^\w+:|^#/.test(href)) return `[${words}](${href})`;
  const [path, anchor] = href.split('#');
  const target = nameOf.get(posix.join(posix.dirname(file), path));
  if (target === undefined) return words;
  const to = posix.relative(posix.dirname(name), target);
  return `[${words}](${to}.md${anchor === undefined ? '' : `#${anchor}`})`;
}
