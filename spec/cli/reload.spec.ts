import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connect as tlsConnect } from 'node:tls';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { hashOf } from '../../src/http/api/key-ring.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { ask, type Running, serve } from './running-program.ts';

const { file } = tempFolder();
const tls = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));
const [oldKey, newKey] = ['0123456789abcdef0123456789abcd01', '0123456789abcdef0123456789abcd02'];

/** The lines of the log with this event. */
function linesOf({ stderr }: Running, event: string): Record<string, unknown>[] {
  const lines = stderr().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line)).filter((line) => line.event === event);
}

/** Sends SIGHUP. Resolves with the log line that follows. */
async function hangUp(running: Running, event: string): Promise<Record<string, unknown> | undefined> {
  const before = linesOf(running, event).length;
  running.child.kill('SIGHUP');
  await expect.poll(() => linesOf(running, event).length, { timeout: 10_000 }).toBe(before + 1);
  return linesOf(running, event).at(-1);
}

const post = (url: string, headers: Record<string, string>, body: object) =>
  ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function publish({ url }: Running, key: string): Promise<number | undefined> {
  return (await post(`${url}/api/publish`, { 'x-api-key': key }, { channel: '/ci/a', data: 1 })).status;
}

const entry = (key: string) => `ci:\n  hash: ${hashOf(key)}\n  rights: [publish]\n  channels: [/ci/**]\n`;

/** The fingerprint of the certificate that the server shows. */
function fingerprint({ url }: Running): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('SIGHUP', () => {
  it('reads the file of API keys again; a file with a mistake keeps the old keys', async () => {
    const keys = file('keys.yaml', entry(oldKey));
    const running = await serve(['--api-keys-file', keys]);
    const taken = async () => [await publish(running, oldKey), await publish(running, newKey)];
    expect(await taken()).toEqual([200, 401]);

    writeFileSync(keys, entry(newKey));
    expect(await hangUp(running, 'reloaded')).toMatchObject({ level: 'info', what: 'API keys (ci)' });
    expect(await taken()).toEqual([401, 200]);

    writeFileSync(keys, entry(oldKey).replace('publish', 'write'));
    expect(await hangUp(running, 'reload.failed')).toMatchObject({
      level: 'error',
      what: 'the API keys',
      why: expect.stringMatching(
        /^\S+keys\.yaml: apiKeys\["ci"\]\.rights has an entry it may not have, "write".*; the old ones stay: correct this and send SIGHUP again$/,
      ),
    });
    expect(await taken()).toEqual([401, 200]);
    expect(running.stderr()).not.toContain(newKey);
  });

  it.each([[[]], [['--http2']]])('reads the TLS certificate again: %j', async (flags) => {
    const [cert, key] = [file('cert.pem', ''), file('key.pem', '')];
    const install = (name: string) => {
      copyFileSync(tls(`${name}cert`), cert);
      copyFileSync(tls(`${name}key`), key);
    };
    install('');
    const running = await serve(['--tls-cert', cert, '--tls-key', key, ...flags]);
    const first = await fingerprint(running);
    install('other-');
    expect(await hangUp(running, 'reloaded')).toMatchObject({ what: 'TLS certificate' });
    const second = await fingerprint(running);
    expect(second).not.toBe(first);

    copyFileSync(tls('cert'), cert);
    expect(await hangUp(running, 'reload.failed')).toMatchObject({
      what: 'the TLS certificate',
      why: expect.stringContaining(
        `${cert} is no PEM certificate that fits the key ${key}; the old ones stay`,
      ),
    });
    expect(await fingerprint(running)).toBe(second);
    const handshake = {
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['long-polling'],
    };
    expect((await post(`${running.url}/bayeux`, {}, handshake)).body).toContain('"successful":true');
  });

  it('reads the keys of tokens again', async () => {
    const [before, after] = ['a secret of thirty-two characters', 'another secret of many characters'];
    const secretFile = file('secret', before);
    const running = await serve(['--auth-secret-file', secretFile]);
    const shake = async (secret: string) => {
      const token = await new SignJWT({ sub: 'ann' })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuedAt()
        .setExpirationTime('1 min')
        .sign(new TextEncoder().encode(secret));
      const ext = { auth: { token } };
      const handshake = {
        channel: '/meta/handshake',
        version: '1.0',
        supportedConnectionTypes: ['long-polling'],
      };
      const [reply] = JSON.parse((await post(`${running.url}/bayeux`, {}, { ...handshake, ext })).body);
      return reply.error ?? 'successful';
    };
    expect([await shake(before), await shake(after)]).toEqual(['successful', '401::token_invalid']);
    writeFileSync(secretFile, after);
    expect(await hangUp(running, 'reloaded')).toMatchObject({ what: 'keys of tokens' });
    expect([await shake(before), await shake(after)]).toEqual(['401::token_invalid', 'successful']);
    writeFileSync(secretFile, 'short');
    expect(await hangUp(running, 'reload.failed')).toMatchObject({
      what: 'the keys of tokens',
      why: expect.stringContaining(
        `auth.secretFile: ${secretFile} has less than 32 bytes; the old ones stay`,
      ),
    });
    expect(await shake(after)).toBe('successful');
  });

  it('reads the keys in the configuration file again, and says which options need a restart', async () => {
    const indented = (key: string) => entry(key).replaceAll(/^/gm, '  ').trimEnd();
    const config = file('bayeuxd.yaml', `apiKeys:\n${indented(oldKey)}\n`);
    const running = await serve(['--config', config, '--api-key', 'generate']);
    const [, made = ''] = /API key +(\w{32}) \(made for this run\)$/m.exec(running.stdout()) ?? [];
    const taken = async () => [
      ...[await publish(running, oldKey), await publish(running, newKey), await publish(running, made)],
    ];
    expect(await taken()).toEqual([200, 401, 200]);
    const next = `apiKeys:\n${indented(newKey)}\ntimeout: 20000\nauth: { maxLifetime: 1000 }\n`;
    writeFileSync(`${config}.new`, next);
    renameSync(`${config}.new`, config);
    expect(await hangUp(running, 'reload.incomplete')).toMatchObject({
      level: 'warn',
      options: ['timeout', 'auth.maxLifetime'],
    });
    expect(linesOf(running, 'reloaded')).toMatchObject([{ what: 'API keys (default, ci)' }]);
    expect(await taken()).toEqual([401, 200, 200]);

    writeFileSync(config, 'timout: 1\n');
    expect(await hangUp(running, 'reload.failed')).toMatchObject({
      what: 'the configuration',
      why: `${config}:1: unknown option "timout"; did you mean "timeout"?; the old ones stay: correct this and send SIGHUP again`,
    });
    expect(await taken()).toEqual([401, 200, 200]);
    expect(await running.end()).toBe(0);
  });

  it('reads the file of the single key again', async () => {
    const keyFile = file('key', oldKey);
    const running = await serve(['--api-key-file', keyFile]);
    writeFileSync(keyFile, newKey);
    await hangUp(running, 'reloaded');
    expect([await publish(running, oldKey), await publish(running, newKey)]).toEqual([401, 200]);
    expect(readFileSync(keyFile, 'utf8')).toBe(newKey);
  });
});
