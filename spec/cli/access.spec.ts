import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { accessOf, checkAuth } from '../../src/cli/access.ts';
import { apiKeyOf, apiKeysOf } from '../../src/cli/api-key.ts';
import { check } from '../../src/cli/check.ts';
import { silent } from '../../src/lib/log.ts';
import { loadConfig } from '../../src/cli/config.ts';
import { ConfigError } from '../../src/cli/config-error.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { file } = tempFolder();

const load = (flags: Readonly<Record<string, string>>) => loadConfig((flag) => flags[flag], {});
const access = (flags: Readonly<Record<string, string>>) => {
  const config = load(flags);
  return accessOf(config, apiKeysOf(config, silent, apiKeyOf(config.program, silent)));
};
const secret = 'a secret of at least thirty-two bytes';

describe('who may do what, in words', () => {
  it('is everybody without a policy and without tokens', () => {
    expect(access({})).toEqual([
      'Everybody on this machine may read and write every channel.',
      'The HTTP API is closed: it has no key.',
    ]);
    expect(access({ '--host': '0.0.0.0', '--insecure': 'true', '--api-key': 'correct-horse' })).toEqual([
      'Everybody who can reach the server may read and write every channel.',
      'The API key "default" allows everything in the HTTP API.',
    ]);
  });

  it('says who has a token, and what rules grant', () => {
    const grants = {
      '/news/**': { grants: { subscribe: 'everybody', publish: 'nobody' } },
      '/users/$sub/**': { grants: { subscribe: 'users', history: 'users' } },
      '/service/search': { grants: { call: 'users' } },
    };
    const flags = { '--auth-secret': secret, '--channels': JSON.stringify(grants) };
    expect(access({ ...flags, '--auth-anonymous': 'true' })).toEqual([
      'Users have a token signed with the secret. Everybody may open a session.',
      'Everybody may subscribe to /news/**.',
      'Users may subscribe to /users/$sub/**.',
      'Nobody may publish to /news/**.',
      'Users may call /service/search.',
      'Users may read the history of /users/$sub/**.',
      'A token grants more by its claim "bayeux"; all else is refused.',
      'The HTTP API is closed: it has no key.',
    ]);
  });

  it('says what each API key allows', () => {
    const hash = (digit: string) => `sha256:${digit.repeat(64)}`;
    const keys = {
      ci: { hash: hash('1'), rights: ['publish'], channels: ['/ci/**', '/news'] },
      both: { hash: hash('2'), rights: ['publish', 'read'], channels: ['/**'] },
      boss: { hash: hash('3'), rights: ['admin'] },
    };
    expect(access({ '--api-keys': JSON.stringify(keys) }).slice(1)).toEqual([
      'The API key "ci" allows publishing to /ci/**, /news.',
      'The API key "both" allows publishing to and reading /**.',
      'The API key "boss" allows everything in the HTTP API.',
    ]);
  });

  it('names where keys are from, the policy, and publishing without a session', () => {
    const flags = { '--auth-jwks-url': 'https://id.example/keys', '--auth-audience': 'push' };
    expect(access({ ...flags, '--policy': 'p.js', '--unconnected-publish': 'allow' })).toEqual([
      'Users have a token signed with a key of https://id.example/keys. Nobody else may open a session.',
      'A token grants more by its claim "bayeux"; all else is refused.',
      'The policy in p.js is asked about each message, and may refuse it.',
      'A publish needs no session.',
      'The HTTP API is closed: it has no key.',
    ]);
  });
});

describe('the keys of the configuration', () => {
  it('are read', () => {
    expect(() => checkAuth(load({ '--auth-secret-file': file('secret', `${secret}\n`) }))).not.toThrow();
  });

  it('are refused with their place', () => {
    const config = load({ '--auth-key-file': file('key', 'no key') });
    expect(() => checkAuth(config)).toThrow(ConfigError);
    expect(() => checkAuth(config)).toThrow(/^--auth-key-file: auth\.keyFile: \S+ cannot be used: /);
  });

  it('are refused with the place of the file that is wrong', () => {
    const flags = { '--auth-secret-file': file('short', 'x'), '--auth-key-file': file('key', 'no key') };
    expect(() => checkAuth(load(flags))).toThrow(
      /^--auth-secret-file: auth\.secretFile: \S+ has less than 32/,
    );
  });

  it('are warned of by --check, where others may use the file', async () => {
    const path = file('secret', `${secret}\n`);
    chmodSync(path, 0o644);
    const events: string[] = [];
    await check(load({ '--auth-secret-file': path }), ({ event }) => void events.push(event));
    expect(events).toEqual(['auth.secret_file_open']);
  });
});
