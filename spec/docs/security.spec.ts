import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPage, rowsOf } from './markdown.ts';

const page = readPage('docs/security.md');
const wire = readFileSync('docs/wire.md', 'utf8');

/** `[publish.spec.ts](../spec/core/publish.spec.ts): «title»` */
const reference = /^\[([\w.-]+)\]\((\.\.\/spec\/[\w./-]+)\): «(.+)»$/;

const rows = rowsOf(page).filter(([rule = '']) => /^[A-Z]+-\d+$/.test(rule));

describe('the guarantees of docs/security.md', () => {
  it('have a row for each rule on security', () => {
    const all = Array.from(wire.matchAll(/^- \*\*(SEC-\d+|AU-\d+)\*\*/gm), ([, id]) => id);
    expect(all.length).toBeGreaterThan(20);
    const proved = rows.map(([rule]) => rule);
    expect(all.filter((id) => !proved.includes(id))).toEqual([]);
  });

  it.each(rows)('%s: %s', (_rule, _guarantee, _you, spec = '') => {
    const [, name, link = '', title = ''] = reference.exec(spec) ?? [];
    const file = posix.join('docs', link);
    expect(posix.basename(file)).toBe(name);
    // The title stands there as a text of its own.
    const quoted = ["'", '"', '`'].map((quote) => quote + title.replaceAll(quote, `\\${quote}`) + quote);
    const source = readFileSync(file, 'utf8');
    expect(quoted.some((text) => source.includes(text))).toBe(true);
  });

  it('name each spec of spec/hostile', () => {
    const files = readdirSync('spec/hostile').filter((name) => name.endsWith('.spec.ts'));
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((name) => !page.text.includes(`](../spec/hostile/${name})`))).toEqual([]);
  });
});
