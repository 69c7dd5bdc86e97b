import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const core = new URL('../../src/core/', import.meta.url);
const files = readdirSync(core, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** The names of features as words of their own, also within a name such as `replayPosition`, and in capitals. */
const names = /(histor(?:y|ies)|replay|\back(?:s|ed|nowledge\w*)?\b|dedupe|\btabs?\b|schema|presence)/gi;

/** What events carry, whoever put it there. */
const ofEvents = /\b(replayId|replayed)\b/g;

function named(text: string): readonly string[] {
  return text.replaceAll(ofEvents, '').match(names) ?? [];
}

function outside(text: string): readonly string[] {
  const imports = Array.from(text.matchAll(/from '([^']+)'/g), ([, from = '']) => from);
  return imports.filter(
    (from) => /(features|transports|http|cli)\//.test(from) || /^(\.\.\/)+[\w-]+\.ts$/.test(from),
  );
}

describe('the core', () => {
  it('has files', () => expect(files.length).toBeGreaterThan(30));

  it.each(files)('names no feature in %s', (file) => {
    expect(named(readFileSync(new URL(file, core), 'utf8'))).toEqual([]);
  });

  it.each(files)('imports what is below it and nothing else in %s', (file) => {
    const text = readFileSync(new URL(file, core), 'utf8');
    const above = outside(text).filter((from) => !existsInCore(file, from));
    expect(above).toEqual([]);
  });

  it.each([
    'const replayPosition = 1;',
    '// The history is open.',
    'if (request.ext.ack) return;',
    'maxTabs(tabs)',
    'rule.schema',
  ])('would be found out by %s', (line) => {
    expect(named(line)).not.toEqual([]);
  });

  it('may say what events carry', () => {
    expect(named('event.replayed && event.replayId')).toEqual([]);
  });
});

/** Whether a name such as `../session.ts` is that of a file of the core. */
function existsInCore(file: string, from: string): boolean {
  return files.some((name) => new URL(name, core).href === new URL(from, new URL(file, core)).href);
}
