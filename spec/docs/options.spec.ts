import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/cli/config.ts';
import { optionsDoc } from '../../src/cli/options-doc.ts';
import { optionTypes } from './option-types.ts';

const page = new URL('../../docs/options.md', import.meta.url);
const text = readFileSync(page, 'utf8');

it('docs/options.md says what the tables say; to write it anew: WRITE_DOCS=1 npx vitest run spec/docs/options.spec.ts', () => {
  if (process.env.WRITE_DOCS) writeFileSync(page, optionsDoc());
  expect(readFileSync(page, 'utf8')).toBe(optionsDoc());
});

it('the interfaces of the options say what the tables say; to write them anew: as the page', () => {
  const file = new URL('../../src/server-options-types.ts', import.meta.url);
  const formatted = spawnSync('npx', ['biome', 'format', '--stdin-file-path=src/x.ts'], {
    input: optionTypes(),
  });
  if (process.env.WRITE_DOCS) writeFileSync(file, formatted.stdout);
  expect(readFileSync(file, 'utf8')).toBe(formatted.stdout.toString());
});

it('the example file of docs/options.md is valid', () => {
  const example = text.match(/```yaml\n([^`]+)```/)?.[1];
  const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
  const file = join(folder, 'bayeuxd.yaml');
  writeFileSync(file, example ?? '');
  try {
    const { program, server } = loadConfig((flag) => (flag === '--config' ? file : undefined), {});
    expect(program.port).toBe(8080);
    expect(server.channels).toEqual({ '/prices/**': { lazy: 500, broadcastToPublisher: false } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
