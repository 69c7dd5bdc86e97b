import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { httpServer, listen } from '../../src/cli/listener.ts';
import { programTable } from '../../src/cli/options.ts';
import { resolve } from '../../src/options/check.ts';

const pem = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));

it.each([
  ['plain', {}, 'http'],
  ['TLS', { tlsCert: pem('cert'), tlsKey: pem('key') }, 'https'],
  ['HTTP/2', { tlsCert: pem('cert'), tlsKey: pem('key'), http2: true }, 'https'],
])('a %s server outlives the connection pool of a proxy (HT-7)', async (_, given, scheme) => {
  const program = resolve(programTable, { ...given, port: 0 });
  const server = httpServer(program);
  onTestFinished(() => void server.close());
  expect(server).toMatchObject({
    timeout: 0,
    keepAliveTimeout: 75_000,
    headersTimeout: 15_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
  });
  expect(await listen(server, program)).toMatch(new RegExp(`^${scheme}://127\\.0\\.0\\.1:\\d+$`));
});

it.each([
  [
    { tlsCert: 'none.pem', tlsKey: 'none.pem' },
    'tlsCert: none.pem cannot be read: there is no such file; correct the path',
  ],
  [
    { tlsCert: pem('key'), tlsKey: pem('cert') },
    `tlsCert: ${pem('key')} is no PEM certificate that fits the key ${pem('cert')}`,
  ],
  [
    { host: '192.0.2.1' },
    'host: 192.0.2.1 is no address of this machine: write one that is, or 0.0.0.0 for all',
  ],
  [
    { socket: '/none/such/place' },
    'socket: /none/such/place cannot be made: its folder is missing, or this user may not write to it',
  ],
])('says why it cannot listen with %o', async (given, message) => {
  const program = resolve(programTable, { port: 0, ...given });
  await expect(async () => listen(httpServer(program), program)).rejects.toMatchObject({
    name: 'ConfigError',
    message,
  });
});

describe('a Unix socket', () => {
  /** Starts to listen on this name in a folder of its own. */
  function place(): { file: string; listening: () => Promise<string> } {
    const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'socket');
    const program = resolve(programTable, { socket: file });
    return {
      file,
      listening: async () => {
        const server = httpServer(program);
        onTestFinished(() => void server.close());
        return listen(server, program);
      },
    };
  }

  it.each([
    ['a file', (file: string) => writeFileSync(file, 'precious')],
    ['a directory', (file: string) => mkdirSync(file)],
    [
      'a symbolic link',
      (file: string) => {
        writeFileSync(`${file}.target`, 'precious');
        symlinkSync(`${file}.target`, file);
      },
    ],
  ])('is not made where %s is, which stays', async (what, make) => {
    const { file, listening } = place();
    make(file);
    await expect(listening()).rejects.toMatchObject({
      name: 'ConfigError',
      message: `socket: ${file} is there already and is ${what}: remove it, or name another file`,
    });
    if (what !== 'a directory') expect(readFileSync(file, 'utf8')).toBe('precious');
  });

  it('is not taken from a program that listens on it', async () => {
    const { file, listening } = place();
    const other = createServer();
    await new Promise<void>((done) => void other.listen(file, done));
    onTestFinished(() => void other.close());
    await expect(listening()).rejects.toMatchObject({
      message: `socket: ${file} is in use by another program`,
    });
    expect(other.listening).toBe(true);
  });
});
