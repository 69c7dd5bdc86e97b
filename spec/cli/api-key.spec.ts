import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { apiKeyOf } from '../../src/cli/api-key.ts';
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
