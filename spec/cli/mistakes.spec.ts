import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

// Some specs must fail for want of permission. The modes of files do not stop root, who may run them: what stands below a regular
// file, or is a folder where a file is asked for, can be opened by nobody.

const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));
const cert = fileURLToPath(new URL('./tls/cert.pem', import.meta.url));
const key = fileURLToPath(new URL('./tls/key.pem', import.meta.url));
const { folder, file } = tempFolder();
const plain = file('plain.txt', 'x');
const durable = ['--channels', '{"/a":{"history":true}}'];

function started(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH: process.env.PATH, ...env } });
  return child;
}

/** Runs the program to its end. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = started(args, env);
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr };
}

/** A server, its address, and what it has logged. */
async function served(...args: string[]) {
  const child = started(['--port', '0', '--log-format', 'json', ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let log = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (log += chunk));
  await expect.poll(() => out, { timeout: 20_000 }).toMatch(/API key/);
  const url = out.match(/Bayeux +(\S+)/)?.[1] ?? '';
  const warnings = () =>
    log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ level }) => level === 'warn');
  return { url, warnings };
}

const insecure = (url: string) => url.replace('https:', 'http:');
const secure = (url: string) => url.replace('http:', 'https:');
const socket = (url: string) => url.replace('http', 'ws');

describe('a mistake at the start', () => {
  const typo = file('typo.yaml', 'port: 8392\ntimout: 5\n');
  const nested = file('nested.yaml', 'port: 1\nwebsocket:\n  pinginterval: 5\n');
  it.each<[string, string[], 1 | 2, string]>([
    [
      'an unknown key in the file',
      ['--config', typo],
      1,
      `${typo}:2: unknown option "timout"; did you mean "timeout"?`,
    ],
    [
      'an unknown key in a group of the file',
      ['--config', nested],
      1,
      `${nested}:3: unknown option "websocket.pinginterval"; did you mean "websocket.pingInterval"?`,
    ],
    ['an unknown flag', ['--timout', '5'], 2, "unknown option '--timout'; did you mean --timeout?"],
    [
      'a channel rule with a typo',
      ['--channels', '{"/a":{"histori":true}}'],
      1,
      '--channels: unknown option channels["/a"].histori; did you mean "history"?',
    ],
    [
      'a certificate that is not there',
      ['--tls-cert', `${folder}/none.pem`, '--tls-key', key],
      1,
      `tlsCert: ${folder}/none.pem cannot be read: there is no such file; correct the path`,
    ],
    [
      'a certificate that cannot be read',
      ['--tls-cert', folder, '--tls-key', key],
      1,
      `tlsCert: ${folder} cannot be read: it is a folder; name a file`,
    ],
    [
      'a history that is a file',
      ['--history-path', plain, ...durable],
      1,
      `history.path: ${plain} is a file: name a folder, or a path where nothing is yet`,
    ],
    [
      'a history where no folder can be made',
      ['--history-path', `${plain}/history`, ...durable],
      1,
      `history.path: ${plain}/history cannot be made: this user may not write to the folder above it, or that is a file; name another folder`,
    ],
    [
      'a history of nothing',
      ['--history-path', `${folder}/history`],
      1,
      `--history-path: history.path keeps nothing, since no channel is durable: give one a history, such as --channels '{"/chat/**":{"history":true}}'`,
    ],
    [
      'an API key that is not there',
      ['--api-key-file', `${folder}/none.key`],
      1,
      `apiKeyFile: ${folder}/none.key cannot be read: there is no such file; correct the path`,
    ],
    [
      'a socket that is a file',
      ['--socket', plain],
      1,
      `socket: ${plain} is there already and is a file: remove it, or name another file`,
    ],
    [
      'an address of another machine',
      ['--host', '192.0.2.1', '--insecure', '--log-level', 'error'],
      1,
      'host: 192.0.2.1 is no address of this machine: write one that is, or 0.0.0.0 for all',
    ],
    [
      'a publish without a channel',
      ['publish', 'http://127.0.0.1:2/'],
      2,
      "missing required argument 'channel'",
    ],
    ['a subscribe without an address', ['subscribe'], 2, "missing required argument 'url'"],
    ['a bench without an address', ['bench'], 2, "missing required argument 'url'"],
    [
      'a publish where nothing listens',
      ['publish', 'http://127.0.0.1:2/', '/a', '1'],
      1,
      'cannot reach http://127.0.0.1:2 (ECONNREFUSED): nothing listens there; start it, or correct the port',
    ],
    [
      'a bench where nothing listens',
      ['bench', 'http://127.0.0.1:2/', '--time', '1'],
      1,
      'cannot reach http://127.0.0.1:2 (ECONNREFUSED): nothing listens there; start it, or correct the port',
    ],
  ])('%s is one sentence', { timeout: 30_000 }, async (_what, args, status, sentence) => {
    expect(await run(args)).toEqual({
      status,
      stdout: '',
      stderr: `bayeuxd: ${sentence}\n`,
    });
  });

  it('is a variable that no option has', { timeout: 30_000 }, async () => {
    expect(await run([], { BAYEUXD_TIMOUT: '5' })).toMatchObject({
      status: 1,
      stderr: 'bayeuxd: BAYEUXD_TIMOUT: unknown variable; did you mean "BAYEUXD_TIMEOUT"?\n',
    });
  });

  it('is a port that is in use', { timeout: 30_000 }, async () => {
    const taken = createTcpServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const { status, stderr } = await run(['--port', String(port)]);
    taken.close();
    expect(status).toBe(1);
    expect(stderr).toBe(
      `bayeuxd: port: ${port} on 127.0.0.1 is in use by another program: end that, or name another with --port\n`,
    );
  });
});

describe('each command', () => {
  it.each([
    ['--help'],
    ['--help', 'all'],
    ['--version'],
    ['--check'],
    ['publish', '--help'],
    ['subscribe', '--help'],
    ['bench', '--help'],
  ])('ends with 0 when it did what was asked: %s %s', { timeout: 30_000 }, async (...args) => {
    expect(await run(args.filter((arg) => arg !== undefined))).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('a mistake of a client', { timeout: 40_000 }, () => {
  it('is told the client and logged: the wrong path, another scheme, an unknown certificate', async () => {
    const [http, https] = await Promise.all([served(), served('--tls-cert', cert, '--tls-key', key)]);
    const publish = async (url: string, ...more: string[]) => {
      const { status, stdout, stderr } = await run(['publish', url, '/a', '1', ...more]);
      return [status, stdout + stderr];
    };
    const { host } = new URL(https.url);

    expect(await publish(`${http.url}x`)).toEqual([
      1,
      `bayeuxd: ${http.url}x answered 404 Not found: bayeuxd is mounted on /bayeux\n`,
    ]);
    expect(await publish(socket(`${http.url}x`))).toEqual([
      1,
      `bayeuxd: ${socket(`${http.url}x`)} answered 404 to the WebSocket handshake: is the path right? A POST to it is told where the server is mounted\n`,
    ]);
    for (const address of [http.url, socket(http.url)])
      expect(await publish(secure(address).replace('ws:', 'wss:'))).toEqual([
        1,
        `bayeuxd: the server does not speak TLS there: write ${address}\n`,
      ]);
    expect(await publish(insecure(https.url))).toEqual([
      1,
      `bayeuxd: the server hung up (ECONNRESET); if it speaks TLS there, write ${https.url}\n`,
    ]);
    expect(await publish(socket(insecure(https.url)))).toEqual([
      1,
      `bayeuxd: the server hung up before the WebSocket handshake; if it speaks TLS there, write ${socket(https.url)}\n`,
    ]);
    for (const address of [https.url, socket(https.url)]) {
      expect(await publish(address)).toEqual([
        1,
        `bayeuxd: the certificate of ${host} is self-signed: name its file with --ca cert.pem, or accept any certificate with --insecure\n`,
      ]);
      expect(await publish(address, '--insecure')).toEqual([0, 'published to /a\n']);
    }
    expect(await publish(socket(http.url))).toEqual([0, 'published to /a\n']);

    await until(() => http.warnings().length === 2 && https.warnings().length === 1);
    expect(http.warnings()).toMatchObject([
      {
        event: 'mount.missed',
        why: 'a client asked for /bayeuxx, but bayeuxd is mounted on /bayeux',
        count: 1,
      },
      {
        event: 'scheme.mixed',
        why: 'a client spoke TLS to this port, which serves plain HTTP: let it use http:// or ws://, or set "tlsCert" and "tlsKey"',
      },
    ]);
    expect(https.warnings()).toMatchObject([
      {
        event: 'scheme.mixed',
        why: 'a client spoke plain HTTP to this port, which serves HTTPS: let it use https:// or wss://, or leave "tlsCert" and "tlsKey" out',
      },
    ]);
  });

  it('is told and logged: a host that is not ours, a dev server on another port, a wrong API key', async () => {
    const { url, warnings } = await served('--api-key', '0123456789abcdef0123456789abcdef');
    const { origin } = new URL(url);
    const foreign = await fetch(url, {
      method: 'POST',
      body: '[]',
      headers: { origin: 'http://localhost:5173' },
    });
    expect(await foreign.text()).toBe(
      'Forbidden: origin http://localhost:5173 is not allowed; add it to "origins"',
    );
    const wrong = await run(['publish', `${origin}/api/publish`, '/a', '1', '--key', 'wrongwrong']);
    expect(wrong).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('the API key is missing or wrong'),
    });
    await until(() => warnings().length === 2);
    expect(warnings()).toMatchObject([
      { event: 'origin.refused', option: 'origins', msg: expect.stringContaining('add it to "origins"') },
      {
        event: 'api.key_wrong',
        option: 'apiKey',
        msg: expect.stringContaining('the API key is missing or wrong'),
      },
    ]);
  });
});
