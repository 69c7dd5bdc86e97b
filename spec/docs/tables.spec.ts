import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { partOf } from '../../src/cli/help.ts';
import { allOptions } from '../../src/cli/options.ts';
import { run } from '../cli/running-program.ts';
import { readPage, rowsOf } from './markdown.ts';

const names = new Map(allOptions.map((option) => [option.path, option]));
// Settings of `new Server` and groups stand where options do.
const groups = new Set(
  allOptions.flatMap(({ path }) => (path.includes('.') ? [path.split('.')[0] ?? ''] : [])),
);

/** What stands in backticks in a cell. */
function namesIn(cell = ''): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = '']) => name);
}

describe('the configuration table of the README', () => {
  const rows = rowsOf(readPage('README.md')).filter(([name = '']) => /^`\w+`$/.test(name));

  it('has ten options', () => expect(rows).toHaveLength(10));

  it.each(rows)('has %s with its default', (name, shown) => {
    const option = names.get(namesIn(name)[0] ?? '');
    const value = option && (partOf(option.row) || String(option.row.default ?? 'none'));
    expect(shown.replaceAll('`', '')).toBe(
      value === 'Infinity' ? 'unlimited' : value === '' ? 'none' : value,
    );
  });
});

describe('the tables of docs/migrating.md', () => {
  const rows = rowsOf(readPage('docs/migrating.md'));
  const tables = rows.flatMap(([first = '', here = '', last = '']) => {
    const isOption =
      last !== 'what is different' && /^`[\w.<>]+`(, `[\w.<>]+`)*$/.test(first) && !/[(;]/.test(here);
    return isOption ? namesIn(here) : [];
  });

  it('has many options', () => expect(tables.length).toBeGreaterThan(40));

  it('names only options that exist', () => {
    expect(tables.filter((name) => !names.has(name) && !groups.has(name))).toEqual([]);
  });
});

describe('the tables of docs/delivery.md and SECURITY.md', () => {
  const named = ['SECURITY.md', 'docs/delivery.md'].flatMap((file) => {
    const cells = rowsOf(readPage(file)).map((row) => row.at(-1) ?? '');
    return cells.filter((cell) => /^(`[\w.]+`(, (after )?)?)+$/.test(cell)).flatMap(namesIn);
  });

  it('have many', () => expect(named.length).toBeGreaterThan(25));

  it('name only options that exist', () => {
    expect(named.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('docs/command-line.md', () => {
  const rows = rowsOf(readPage('docs/command-line.md'));

  it('has every exit code of the program', () => {
    const codes = rows
      .filter(([code = '']) => /^`\d`$/.test(code))
      .map(([code = '', meaning]) => [code.slice(1, -1), meaning]);
    expect(codes).toEqual(exitCodes);
  });

  it('names every command', async () => {
    const { stdout } = await run(['--help', 'all']);
    const named = rows
      .slice(
        0,
        rows.findIndex(([first]) => first === '`--url`'),
      )
      .flatMap(([first]) => namesIn(first));
    expect(named.toSorted()).toEqual((stdout.match(/(?<=^ {2}bayeuxd )\w+/gm) ?? []).toSorted());
  });
});
