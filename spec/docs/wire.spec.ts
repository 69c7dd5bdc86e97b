import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const wire = readFileSync('docs/wire.md', 'utf8');
const rules = Array.from(wire.matchAll(/^- \*\*([A-Z]+-\d+)\*\* (.*)$/gm), ([, id = '', text = '']) => ({
  id,
  text,
}));
const defined = new Set(rules.map(({ id }) => id));
const prefixes = new Set(rules.map(({ id }) => id.replace(/-\d+$/, '')));

/** Names that look like ids of rules and are none. */
const others = /^(UTF|SHA|RFC|ISO|IPV|AES|RSA|NODE)-\d+$/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && /\.(ts|js|md)$/.test(entry.name) && !/vendor|node_modules/.test(entry.parentPath),
    )
    .map((entry) => join(entry.parentPath, entry.name));
}

const cited = ['src', 'spec', 'docs', 'bench', 'examples'].flatMap(filesBelow).flatMap((file) => {
  const text = readFileSync(file, 'utf8');
  // `CN-8 to CN-10` and lists name each id in full.
  const ids = text.match(/\b[A-Z]{1,4}-\d+\b/g) ?? [];
  return [...new Set(ids)].filter((id) => !others.test(id)).map((id) => ({ file, id }));
});

describe('the rules of the wire', () => {
  it('are defined once each', () => {
    expect(rules.length).toBeGreaterThan(250);
    expect(defined.size).toBe(rules.length);
  });

  it.each(rules)('$id is a sentence with its source', ({ text }) => {
    expect(text).toMatch(
      /^(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY): .+[.)] _\((Bayeux 1\.0|CometD|Faye|Salesforce|bayeuxd)(, \w[\w .]*)*\)_$/,
    );
  });

  it('are there for every id that is named', () => {
    const known = cited.filter(({ id }) => prefixes.has(id.replace(/-\d+$/, '')));
    expect(known.length).toBeGreaterThan(500);
    expect(cited.filter(({ id }) => !defined.has(id))).toEqual([]);
  });
});
