import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ask, launch, type Running, run, serve } from './running-program.ts';

const cert = fileURLToPath(new URL('./tls/cert.pem', import.meta.url));
const key = fileURLToPath(new URL('./tls/key.pem', import.meta.url));
const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
const version: string = JSON.parse(manifest).version;
const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
afterAll(() => rmSync(folder, { recursive: true }));

const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
const post = (url: string, message: object) => ask(url, { ...json, body: JSON.stringify(message) });
const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe.concurrent('the command line', () => {
  it('prints the help', async () => {
    const { status, stdout, stderr } = await run(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^bayeuxd ${version.replaceAll('.', '\\.')}: a Bayeux 1.0 server`));
  });

  it('prints the version', async () => {
    expect(await run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('--check says that a configuration is valid', async () => {
    const stdout =
      'The configuration is valid.\nEverybody on this machine may read and write every channel.\nThe HTTP API is closed: it has no key.\n';
    expect(await run(['--check', '--timeout', '20000'])).toEqual({ status: 0, stdout, stderr: '' });
  });

  it('--check names what is wrong, and where', async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, 'timout: 5\n');
    expect(await run(['--check', '--config', file, '--interval', '1s'], { BAYEUXD_PORT: 'x' })).toEqual({
      status: 1,
      stdout: '',
      stderr: [
        `bayeuxd: ${file}:1: unknown option "timout"; did you mean "timeout"?`,
        'bayeuxd: BAYEUXD_PORT: port must be a whole number, got "x"',
        'bayeuxd: --interval: interval must be a number of milliseconds, got "1s"',
        '',
      ].join('\n'),
    });
  });

  it('--print-config prints what is in effect, without secrets', async () => {
    const { status, stdout, stderr } = await run(['--print-config', '--no-demo'], {
      BAYEUXD_API_KEY: 'correct-horse',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('demo: false # --no-demo\n');
    expect(stdout).toContain('# apiKey is set (BAYEUXD_API_KEY) and not printed: it is a secret\n');
    expect(stdout).not.toContain('correct-horse');
    expect(stdout).toContain('websocket:\n  timeout: 30000\n');
  });

  it('--check opens what is named: certificate, key, API key, history, socket', async () => {
    const plain = join(folder, 'plain.txt');
    writeFileSync(plain, 'Dear all\n');
    const checked = await run([
      '--check',
      ...['--tls-cert', cert, '--tls-key', plain],
      ...['--api-key-file', join(folder, 'no.key')],
      ...['--history-path', plain, '--channels', '{"/a":{"history":true}}'],
      ...['--socket', plain],
    ]);
    expect(checked).toEqual({
      status: 1,
      stdout: '',
      stderr: [
        `bayeuxd: tlsCert: ${cert} is no PEM certificate that fits the key ${plain}`,
        `bayeuxd: apiKeyFile: ${join(folder, 'no.key')} cannot be read: there is no such file; correct the path`,
        `bayeuxd: history.path: ${plain} is a file: name a folder, or a path where nothing is yet`,
        `bayeuxd: socket: ${plain} is there already and is a file: remove it, or name another file`,
        '',
      ].join('\n'),
    });
  });

  it('--check leaves alone what it opens', async () => {
    const path = join(folder, 'not/yet');
    const socket = join(folder, 'not-yet.sock');
    const durable = ['--history-path', path, '--channels', '{"/a":{"history":true}}'];
    const stdout = expect.stringMatching(/^The configuration is valid\.\n/);
    expect(await run(['--check', ...durable, '--socket', socket])).toEqual({ status: 0, stdout, stderr: '' });
    expect([existsSync(join(folder, 'not')), existsSync(socket)]).toEqual([false, false]);
    const nowhere = await run(['--check', '--socket', join(folder, 'none/a.sock')]);
    expect(nowhere.stderr).toBe(
      `bayeuxd: socket: ${join(folder, 'none/a.sock')} cannot be made: its folder is missing, or this user may not write to it\n`,
    );
  });

  it.each([
    [
      1,
      ['--tls-cert', 'none.pem', '--tls-key', 'none.pem'],
      'tlsCert: none.pem cannot be read: there is no such file; correct the path',
    ],
    [1, ['--port', '70000'], '--port: port must be between 0 and 65535, got 70000'],
    [
      1,
      ['publish', 'http://127.0.0.1:2/bayeux', '/a', '1'],
      'cannot reach http://127.0.0.1:2 (ECONNREFUSED): nothing listens there; start it, or correct the port',
    ],
    [2, ['--timout', '5'], `unknown option '--timout'; did you mean --timeout?`],
    [2, ['--check', '--timout', '5'], `unknown option '--timout'; did you mean --timeout?`],
    [2, ['publissh'], 'unknown command "publissh"; did you mean "publish"?'],
    [2, ['publish', 'http://127.0.0.1:2/bayeux'], `missing required argument 'channel'`],
    [2, ['publish', 'http://127.0.0.1:2/', '/a', 'b'], `b is not JSON; a string is written '"hello"'`],
    [2, ['subscribe', 'example.com', '/a'], '"example.com" is no http, https, ws or wss address'],
  ])('ends with code %i and one clear line: %s', async (status, args, line) => {
    expect(await run(args)).toEqual({ status, stdout: '', stderr: `bayeuxd: ${line}\n` });
  });

  it('refuses a variable that no option has', async () => {
    const stderr = 'bayeuxd: BAYEUXD_TIMOUT: unknown variable; did you mean "BAYEUXD_TIMEOUT"?\n';
    expect(await run([], { BAYEUXD_TIMOUT: '1' })).toEqual({ status: 1, stdout: '', stderr });
  });

  it('says that a port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const stderr = `bayeuxd: port: ${port} on 127.0.0.1 is in use by another program: end that, or name another with --port\n`;
    expect(await run(['--port', port])).toEqual({ status: 1, stdout: '', stderr });
  });
});

describe('the program', () => {
  let program: Running;
  beforeAll(async () => {
    program = await launch(['--port', '0']);
  });
  afterAll(() => void program.end('SIGKILL'));

  it('says where everything is, on 127.0.0.1', () => {
    expect(program.stdout()).toBe(
      [
        `bayeuxd ${version}`,
        `  Bayeux    ${program.url}/bayeux`,
        `  Chat      ${program.url}/`,
        `  HTTP API  ${program.url}/api/publish`,
        '  API key   none, so the HTTP API is closed; set one with --api-key or BAYEUXD_API_KEY',
        '',
      ].join('\n'),
    );
    expect(program.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('logs JSON lines on the standard error stream', () => {
    const [first = ''] = program.stderr().split('\n');
    const listening = {
      level: 'info',
      time: expect.any(String),
      url: program.url,
      path: '/bayeux',
      event: 'listening',
      msg: 'listening',
    };
    expect(JSON.parse(first)).toEqual(listening);
  });

  it('serves Bayeux, the page, the clients and nothing else', async () => {
    expect((await post(`${program.url}/bayeux`, handshake)).body).toContain('"successful":true');
    expect((await ask(`${program.url}/`)).headers['content-type']).toMatch(/text\/html/);
    expect((await ask(`${program.url}/clients/cometd/cometd.js`)).status).toBe(200);
    for (const path of ['/bayeux/client.js', '/bayeux.js']) {
      const { status, headers } = await ask(program.url + path);
      expect(status).toBe(200);
      expect(headers['content-type']).toMatch(/javascript/);
    }
    for (const path of ['/bayeuxx', '/none', '/clients/none.js']) {
      const { status, body, headers } = await ask(program.url + path);
      expect({ status, body }).toEqual({ status: 404, body: 'Not found: bayeuxd is mounted on /bayeux' });
      expect(headers['x-powered-by']).toBeUndefined();
    }
  });

  it('says nothing of its insides when a request cannot be read', async () => {
    for (const path of ['/%', '/clients/%', '/clients/cometd/%00']) {
      const { status, body } = await ask(program.url + path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(body).toMatch(/^(Bad request|Not found: bayeuxd is mounted on \/bayeux)$/);
    }
    expect(program.stderr()).not.toContain(' at ');
  });

  it('upgrades to WebSocket', async () => {
    expect((await ask(`${program.url}/bayeux`, { headers: upgrade })).status).toBe(101);
  });

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '[::2]', 'localhost:80:80'])(
    'answers 403 to the host "%s", before anything else sees the request (CO-6)',
    async (host) => {
      const headers = { ...json.headers, host };
      for (const path of ['/bayeux', '/', '/api/publish', '/none']) {
        const answer = await ask(program.url + path, {
          method: 'POST',
          headers,
          body: JSON.stringify(handshake),
        });
        expect(answer).toMatchObject({
          status: 403,
          body: expect.stringMatching(/^Forbidden: host \S+ is not allowed; add it to "allowedHosts"$/),
        });
      }
      expect((await ask(`${program.url}/bayeux`, { headers: { ...upgrade, host } })).status).toBe(403);
    },
  );

  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:8000'])('knows itself as %s', async (host) => {
    const answer = await ask(`${program.url}/bayeux`, {
      ...json,
      headers: { ...json.headers, host },
      body: JSON.stringify(handshake),
    });
    expect(answer.status).toBe(200);
    expect((await ask(`${program.url}/bayeux`, { headers: { ...upgrade, host } })).status).toBe(101);
  });

  it('closes the HTTP API while there is no key, and says how to set one', async () => {
    const { status, body } = await post(`${program.url}/api/publish`, { channel: '/a', data: 1 });
    expect(status).toBe(403);
    expect(body).toContain('--api-key');
  });

  it('lets its own commands talk', async () => {
    const { child, end, stdout } = await launch(
      ['subscribe', `${program.url}/bayeux`, '/chat/**'],
      {},
      /subscribed to/,
    );
    const published = await run(['publish', `${program.url}/bayeux`, '/chat/a/b', '{"text":"hi"}']);
    expect(published).toEqual({ status: 0, stdout: 'published to /chat/a/b\n', stderr: '' });
    while (!stdout().includes('\n')) await once(child.stdout ?? child, 'data');
    expect(stdout()).toBe('{"channel":"/chat/a/b","data":{"text":"hi"}}\n');
    expect(await end('SIGINT')).toBe(0);
  });
});

describe('the program, told otherwise', () => {
  it('knows the hosts it was given', async () => {
    const { url } = await serve([
      '--demo',
      '--insecure',
      '--allowed-hosts',
      'Push.example.com,other.example',
    ]);
    for (const host of ['push.example.com', 'other.example:8000', 'localhost']) {
      expect((await ask(`${url}/`, { headers: { host } })).status).toBe(200);
    }
    expect((await ask(`${url}/`, { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('makes a key for this run and prints it', async () => {
    const { url, stdout } = await serve(['--api-key', 'generate']);
    const made = stdout().match(/API key +(\w{32}) \(made for this run\)$/m)?.[1] ?? '';
    const headers = { ...json.headers, authorization: `Bearer ${made}` };
    const body = JSON.stringify({ channel: '/a', data: 1 });
    expect((await ask(`${url}/api/publish`, { method: 'POST', headers, body })).status).toBe(200);
    expect((await post(`${url}/api/publish`, { channel: '/a', data: 1 })).status).toBe(401);
  });

  it('logs lines for people when asked to', async () => {
    const { stderr, url, end } = await serve(['--log-format', 'pretty']);
    expect(stderr()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}listening {2}url=\S+ path=\/bayeux\n$/);
    expect(stderr()).toContain(`url=${url} `);
    await end();
    expect(stderr()).toMatch(
      / INFO {2}closing {2}signal=SIGTERM\n.* INFO {2}closed {2}sessions=0 left=0 ended=0 ms=\d+\n$/,
    );
    const quiet = await serve(['--log-format', 'pretty', '--log-level', 'warn']);
    await quiet.end();
    expect(quiet.stderr()).toBe('');
  });

  it('says once which variables of Kubernetes it passed over', async () => {
    const env = { BAYEUXD_PORT: 'tcp://10.0.0.7:8000', BAYEUXD_SERVICE_HOST: '10.0.0.7' };
    const { stderr } = await serve([], env);
    const [line = '', ...rest] = stderr().split('\n');
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      event: 'config.kubernetes',
      variables: ['BAYEUXD_PORT', 'BAYEUXD_SERVICE_HOST'],
    });
    expect(rest.join('\n')).not.toContain('config.kubernetes');
  });

  it('never prints a key that was configured', async () => {
    const { stdout, stderr, end } = await serve([], { BAYEUXD_API_KEY: 'correct-horse' });
    expect(stdout()).toContain('  API key   as configured\n');
    await end();
    expect(stdout() + stderr()).not.toContain('correct-horse');
  });

  it('serves elsewhere, without the page, and says nothing', async () => {
    const { url, stdout, stderr } = await serve(['--path', '/push/v1', '--no-demo', '--log-level', 'silent']);
    const base = stdout().match(/Bayeux +(\S+)\/push\/v1$/m)?.[1] ?? url;
    expect((await post(`${base}/push/v1`, handshake)).status).toBe(200);
    expect((await ask(`${base}/`)).status).toBe(404);
    expect(stdout()).not.toContain('Chat');
    expect(stderr()).toBe('');
  });

  it('speaks TLS, and marks its cookie secure', async () => {
    const { url } = await serve(['--tls-cert', cert, '--tls-key', key]);
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const { status, headers } = await post(`${url}/bayeux`, handshake);
    expect(status).toBe(200);
    expect(headers['set-cookie']?.[0]).toMatch(/^BAYEUX_BROWSER=.*; Secure/i);
    expect((await ask(`${url}/bayeux`, { headers: upgrade })).status).toBe(101);
  });

  it('listens on a Unix socket, also on one that a killed process left behind', async () => {
    const socketPath = join(folder, 'bayeuxd.sock');
    const killed = await serve(['--socket', socketPath]);
    expect(killed.stdout()).toContain(`  Bayeux    unix:${socketPath}/bayeux\n`);
    await killed.end('SIGKILL');
    const again = await serve(['--socket', socketPath]);
    const asked = ask('http://localhost/bayeux', { ...json, socketPath, body: JSON.stringify(handshake) });
    expect((await asked).status).toBe(200);
    const stderr = `bayeuxd: socket: ${socketPath} is in use by another program\n`;
    expect(await run(['--socket', socketPath])).toEqual({ status: 1, stdout: '', stderr });
    expect(await again.end()).toBe(0);
  });
});

describe('the program at its end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s answers held polls with 503 and exits with code 0 (EX-7)',
    async (signal) => {
      const { url, end, stderr } = await serve();
      const [reply] = JSON.parse((await post(`${url}/bayeux`, handshake)).body);
      const connect = { channel: '/meta/connect', clientId: reply.clientId, connectionType: 'long-polling' };
      expect((await post(`${url}/bayeux`, connect)).status).toBe(200);
      const held = post(`${url}/bayeux`, connect);
      await post(`${url}/bayeux`, {
        channel: '/meta/subscribe',
        clientId: reply.clientId,
        subscription: '/a',
      });
      const started = performance.now();
      expect(await end(signal)).toBe(0);
      expect(performance.now() - started).toBeLessThan(5_000);
      expect(await held).toMatchObject({ status: 503, body: expect.not.stringContaining('channel') });
      expect(stderr()).toContain(`"event":"closing"`);
    },
  );

  it('waits no longer than shutdownGrace for those who do not hang up', async () => {
    const { url, end } = await serve(['--shutdown-grace', '300']);
    const stuck = httpRequest(`${url}/bayeux`, {
      ...json,
      headers: { ...json.headers, 'content-length': 100 },
    });
    stuck.on('error', () => undefined); // The server hangs up, which is the point.
    stuck.write('[');
    await post(`${url}/bayeux`, handshake);
    const started = performance.now();
    expect(await end()).toBe(0);
    expect(performance.now() - started).toBeLessThan(4_500);
  });
});

/** Every module that this one imports when it is loaded, and those that they import. */
function loadedWith(file: string, all = new Set<string>()): Set<string> {
  if (all.has(file)) return all;
  all.add(file);
  const code = readFileSync(file, 'utf8').replaceAll(/^import type .*$/gm, '');
  for (const [, from = ''] of code.matchAll(/^(?:import|export|\}) .*?from '(\.[^']+)';$/gm))
    loadedWith(join(dirname(file), from), all);
  return all;
}

it('does not load the server to print the version or to publish', () => {
  const source = (name: string) => fileURLToPath(new URL(`../../src/${name}`, import.meta.url));
  expect(loadedWith(source('cli/serve.ts'))).toContain(source('server.ts'));
  for (const name of ['cli/main.ts', 'cli/publish.ts', 'cli/subscribe.ts', 'cli/bench.ts'])
    expect(loadedWith(source(name))).not.toContain(source('server.ts'));
});
