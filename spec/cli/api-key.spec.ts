import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { apiKeyOf, apiKeysOf } from '../../src/cli/api-key.ts';
import { loadConfig } from '../../src/cli/config.ts';
import { programTable } from '../../src/cli/options.ts';
import { resolve } from '../../src/options/check.ts';
import type { LogEvent } from '../../src/index.ts';

/** The key of a file with this text, and what is logged of it. */
function keyOf(
  text: string,
  mode = 0o600,
): { file: string; read: () => string | undefined; events: LogEvent[] } {
  const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'key');
  writeFileSync(file, text);
  chmodSync(file, mode);
  const events: LogEvent[] = [];
  const program = resolve(programTable, { apiKeyFile: file });
  return { file, events, read: () => apiKeyOf(program, (event) => events.push(event)) };
}

describe('the file of the API key', () => {
  it.each(['correct-horse', 'correct-horse\n', 'correct-horse\r\n'])('holds %j', (text) => {
    const { read, events } = keyOf(text);
    expect(read()).toBe('correct-horse');
    expect(events).toEqual([]);
  });

  it.each(['', 'short', 'with a space', 'two-long\nlines-here\n', 'generate', '<redacted>'])(
    'holds no key in %j',
    (text) => {
      const { read, file } = keyOf(text);
      expect(read).toThrow(`apiKeyFile: ${file} holds no key: it must be one line of`);
    },
  );

  it.each([0o640, 0o604, 0o622])('that others may use is warned of: %i', (mode) => {
    const { read, events, file } = keyOf('correct-horse', mode);
    expect(read()).toBe('correct-horse');
    expect(events).toMatchObject([
      { level: 'warn', event: 'api.key_file_open', file, mode: mode.toString(8) },
    ]);
  });

  it('that is not there is named', () => {
    const { read, file } = keyOf('x');
    rmSync(file);
    expect(read).toThrow(`apiKeyFile: ${file} cannot be read: there is no such file; correct the path`);
  });
});

describe('the file of API keys', () => {
  const hash = (digit: string) => `sha256:${digit.repeat(64)}`;
  const ci = { hash: hash('1'), rights: ['publish'], channels: ['/ci/**'] };

  /** Reads a file with this text beside other keys. */
  function keysOf(text: string, flags: Readonly<Record<string, string>> = {}, mode = 0o644) {
    const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'keys');
    writeFileSync(file, text);
    chmodSync(file, mode);
    const events: LogEvent[] = [];
    const all: Record<string, string> = { '--api-keys-file': file, ...flags };
    const config = loadConfig((flag) => all[flag], {});
    const read = () => apiKeysOf(config, (event) => events.push(event), config.program.apiKey);
    return { file, events, read };
  }

  it('may be JSON, and stands beside the other keys', () => {
    const boss = { hash: hash('2'), rights: ['admin'] };
    const flags = { '--api-key': 'correct-horse', '--api-keys': JSON.stringify({ boss }) };
    expect(keysOf(JSON.stringify({ ci }), flags).read()).toEqual([
      { name: 'default', key: 'correct-horse', rights: ['admin'] },
      { name: 'boss', ...boss },
      { name: 'ci', ...ci },
    ]);
  });

  it.each<[unknown, string]>([
    ['', 'the file holds no key: make one with bayeuxd key, or leave out apiKeysFile'],
    ['ci', 'apiKeys must be an object of keys by name, got "ci"'],
    ['ci: {\n', 'this is neither YAML nor JSON: '],
    ['ci: 1\n', 'ci'],
    [{ ci: { ...ci, key: 'correct-horse' } }, 'unknown option apiKeys["ci"].key'],
    [{ ci: { ...ci, hash: undefined } }, 'apiKeys["ci"].hash is missing'],
    [
      { ci: { ...ci, channels: ['ci'] } },
      'the API key "ci" has channels in which "ci" is no channel name or pattern',
    ],
    [{ ci, twin: ci }, 'the API keys "ci" and "twin" are the same key'],
    [{ default: ci }, 'two API keys have the name "default": rename one'],
  ])('with a mistake is named with it: %j', (content, sentence) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    const { file, read } = keysOf(text, { '--api-key': 'correct-horse' });
    expect(read).toThrow(`${file}: `);
    expect(read).toThrow(sentence);
  });

  it('that is not there is named', () => {
    const { file, read } = keysOf('x');
    rmSync(file);
    expect(read).toThrow(`apiKeysFile: ${file} cannot be read: there is no such file; correct the path`);
  });

  it.each([
    [0o644, []],
    [0o664, ['664']],
    [0o646, ['646']],
  ])('that others may write to is warned of: %i', (mode, warned) => {
    const { read, events } = keysOf(JSON.stringify({ ci }), {}, mode);
    read();
    expect(events.map((event) => event.mode)).toEqual(warned);
  });

  it('is checked as the keys of the configuration are, which are named with their place', () => {
    const { read } = keysOf(JSON.stringify({ ci }), {
      '--api-keys': JSON.stringify({ x: { ...ci, rights: ['admin'] } }),
    });
    expect(read).toThrow('--api-keys: the API key "x" has the right admin, which is for every channel');
  });
});
