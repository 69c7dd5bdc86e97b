import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { optionRows } from '../../src/options/table.ts';
import { optionTable } from '../../src/server-options.ts';
import { LanguageService } from './language-service.ts';

let service: LanguageService;
beforeAll(async () => {
  service = await LanguageService.start();
});
afterAll(() => service.stop());

const made = (options: string) => `import { Server } from '../../src/index.ts';\nnew Server(${options});\n`;

describe('an editor', () => {
  it('shows the sentence, the unit and the default of an option', async () => {
    const shown = await service.hover(made('{ max|Interval: 1 }'));
    expect(shown).toContain('Silence allowed after `interval` before a session expires.');
    expect(shown).toContain('Milliseconds; `15000` by default.');
  });

  it('shows them for an option in a group', async () => {
    const shown = await service.hover(made('{ websocket: { ping|Interval: 1 } }'));
    expect(shown).toContain('a socket that misses two is closed.');
    expect(shown).toContain('Milliseconds; `25000` by default.');
  });

  it('shows what a key of a channel rule does', async () => {
    const shown = await service.hover(made("{ channels: { '/a/*': { la|zy: 5 } } }"));
    expect(shown).toContain('Events wait for the next flush');
  });

  it.each([
    ['{ maxIntervall: 1 }', "'maxIntervall' does not exist", "mean to write 'maxInterval'"],
    ['{ websocket: { pingInterva: 1 } }', "'pingInterva' does not exist", "mean to write 'pingInterval'"],
    ["{ channels: { '/a': { histori: true } } }", "'histori' does not exist", "mean to write 'history'"],
  ])('names the mistake in %s, and the right name', async (options, mistake, right) => {
    const faults = await service.faults(made(options));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(mistake);
    expect(faults[0]).toContain(right);
    // Not the whole table.
    expect(faults[0]?.length).toBeLessThan(250);
  });

  it('shows the sentence of every option', async () => {
    const rows = optionRows(optionTable);
    // One text with a server for each option, since opening a text costs more than hovering over it.
    const lines = rows.map(({ path }) => {
      const names = path.split('.');
      const last = names.pop() ?? '';
      return `new Server(${names.reduceRight((inner, name) => `{ ${name}: ${inner} }`, `{ ${last}: undefined }`)});`;
    });
    const shown = await service.hovers(
      ["import { Server } from '../../src/index.ts';", ...lines].join('\n'),
      (line) => line.lastIndexOf(': undefined'),
    );
    const missing = rows.filter(
      ({ row }, at) => !shown[at + 1]?.includes(JSON.stringify(row.doc).slice(1, -1)),
    );
    expect(missing.map(({ path }) => path)).toEqual([]);
  });
});
