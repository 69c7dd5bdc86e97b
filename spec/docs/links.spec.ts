import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorOf, type Page, pages } from './markdown.ts';

const all = pages();

/** The links in a page, where they lead to. */
function linksOf({ prose }: Page): string[] {
  const text = prose.replaceAll(/`[^`]*`/g, '');
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
}

function isBroken(file: string, target: string): boolean {
  if (/^https?:/.test(target)) return false;
  const [path = '', anchor] = target.split('#');
  const to = path === '' ? file : join(dirname(file), path);
  if (!existsSync(to)) return true;
  if (anchor === undefined) return false;
  const page = all.find((one) => one.file === to);
  return !page?.headings.map(anchorOf).includes(anchor);
}

/** The files a page names in backticks, each with the names in the backticks that follow it: they are in that file. */
function filesOf({ prose }: Page): { path: string; names: string[] }[] {
  const named = /`((?:src|spec|bench|docs|examples|bin|\.ci)\/[\w./-]*)`((?:\s+`[\w.#]+`,?)*)/g;
  return Array.from(prose.matchAll(named), ([, path = '', names = '']) => ({
    path,
    names: Array.from(names.matchAll(/`([^`]+)`/g), ([, name = '']) => name),
  }));
}

describe.each(all)('$file', (page) => {
  it('has no broken links', () => {
    expect(linksOf(page).filter((target) => isBroken(page.file, target))).toEqual([]);
  });

  it('has no two headings with the same anchor', () => {
    const anchors = page.headings.map(anchorOf);
    expect(anchors.filter((anchor, at) => anchors.indexOf(anchor) !== at)).toEqual([]);
  });

  it('names only files that exist', () => {
    expect(filesOf(page).filter(({ path }) => !existsSync(path))).toEqual([]);
  });

  it('names only what is in those files', () => {
    const missing = filesOf(page).flatMap(({ path, names }) => {
      const source = names.length > 0 && existsSync(path) ? readFileSync(path, 'utf8') : '';
      return names
        .filter((name) => !new RegExp(`(?<![\\w#])${name}\\b`).test(source))
        .map((name) => `${path} ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

it('reaches every page from the README', () => {
  const reached = new Set(['README.md']);
  for (const file of reached) {
    const page = all.find((one) => one.file === file);
    for (const target of page === undefined ? [] : linksOf(page)) {
      const to = join(dirname(file), target.split('#')[0] ?? '');
      if (all.some((one) => one.file === to)) reached.add(to);
    }
  }
  const docs = all.map(({ file }) => file).filter((file) => !file.startsWith('examples/'));
  expect(docs.filter((file) => !reached.has(file))).toEqual([]);
});
