import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { apiKeysOf } from '../../src/cli/api-key.ts';
import { ArgumentError } from '../../src/cli/client-error.ts';
import { loadConfig } from '../../src/cli/config.ts';
import { key, type KeyFlags } from '../../src/cli/key.ts';
import { KeyRing } from '../../src/http/api/key-ring.ts';
import { silent } from '../../src/lib/log.ts';
import { ChannelGrammar } from '../../src/protocol/channel.ts';
import { readOptions } from '../../src/server-options.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { run } from './running-program.ts';

const { file } = tempFolder();
const grammar = new ChannelGrammar(readOptions({}));

/** Makes a key. Returns the printed entry, the name and the key. */
function made(flags: KeyFlags) {
  const printed: string[] = [];
  const said: string[] = [];
  key(flags, { print: (line) => void printed.push(line), say: (line) => void said.push(line) });
  const [, name = '', text = ''] = /^the key "(.*)", shown only once: (\S+)$/.exec(said[0] ?? '') ?? [];
  return { entry: `${printed.join('\n')}\n`, name, text };
}

/** The keys of a server with this text in its `apiKeysFile`. */
const keysOf = (text: string) => {
  const config = loadConfig((flag) => (flag === '--api-keys-file' ? file('keys.yaml', text) : undefined), {});
  return apiKeysOf(config, silent, undefined);
};

describe('bayeuxd key', () => {
  it('makes keys whose entries can be appended to one file', () => {
    const ci = made({ name: 'ci', rights: 'publish, read', channels: '/ci/**,/news' });
    const boss = made({ name: 'boss', rights: 'admin' });
    const other = made({});
    const keys = keysOf(ci.entry + boss.entry + other.entry);
    expect(keys).toMatchObject([
      { name: 'ci', rights: ['publish', 'read'], channels: ['/ci/**', '/news'] },
      { name: 'boss', rights: ['admin'] },
      { name: expect.stringMatching(/^key-[\da-f]{8}$/), rights: ['publish'], channels: ['/**'] },
    ]);
    const ring = new KeyRing(keys, grammar);
    const named = [ci, boss, other].map(({ text }) => ring.find(text)?.name);
    expect(named).toEqual(['ci', 'boss', other.name]);
    expect(ci.text).toMatch(/^[\da-f]{64}$/);
    expect(ci.entry).toContain('rights: [publish, read]\n');
  });

  it('limits its requests if told so', () => {
    const { entry } = made({ name: 'ci', rate: '0.5' });
    expect(keysOf(entry)).toMatchObject([{ name: 'ci', rate: 0.5 }]);
  });

  it.each([
    [{ rate: 'many' }, 'keys["ci"].rate must be a number of requests, got NaN'],
    [{ name: 'a b' }, 'needs a name of 1 to 64 letters'],
    [{ rights: 'write' }, 'has an entry it may not have, "write"'],
    [{ channels: 'news' }, '"news" is no channel name or pattern'],
    [{ rights: 'admin', channels: '/a' }, 'leave channels out'],
  ])('refuses %j', (flags, sentence) => {
    expect(() => made({ name: 'ci', ...flags })).toThrow(ArgumentError);
    expect(() => made({ name: 'ci', ...flags })).toThrow(sentence);
  });

  it('prints the entry, and says the key beside', async () => {
    const { status, stdout, stderr } = await run(['key', '--name', 'ci', '--channels', '/ci/**']);
    expect([status, Object.keys(parse(stdout))]).toEqual([0, ['ci']]);
    const [, text = ''] = /^bayeuxd: the key "ci", shown only once: (\S+)\n$/.exec(stderr) ?? [];
    expect(new KeyRing(keysOf(stdout), grammar).find(text)?.name).toBe('ci');
    expect(stdout).not.toContain(text);
    const refused = await run(['key', '--rights', 'write']);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/^bayeuxd: a server would refuse it: /),
    ]);
  });
});
