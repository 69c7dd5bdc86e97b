import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { httpServer, listen } from '../../src/cli/listener.ts';
import { programTable } from '../../src/cli/options.ts';
import { resolve } from '../../src/core/options/option-values.ts';

const pem = (name: string) => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));

it.each([
  ['plain', {}, 'http'],
  ['TLS', { tlsCert: pem('cert'), tlsKey: pem('key') }, 'https'],
])('a %s server outlives the connection pool of a proxy (HT-7)', async (_, given, scheme) => {
  const program = resolve(programTable, { ...given, port: 0 });
  const server = httpServer(program);
  onTestFinished(() => void server.close());
  expect(server).toMatchObject({ keepAliveTimeout: 75_000, headersTimeout: 80_000, requestTimeout: 30_000 });
  expect(server.timeout).toBe(0);
  expect(await listen(server, program)).toMatch(new RegExp(`^${scheme}://127\\.0\\.0\\.1:\\d+$`));
});

it.each([
  [{ tlsCert: 'none.pem', tlsKey: 'none.pem' }, 'tlsCert: none.pem cannot be read (ENOENT)'],
  [
    { tlsCert: pem('key'), tlsKey: pem('cert') },
    `tlsCert: ${pem('key')} is no PEM certificate that fits the key ${pem('cert')}`,
  ],
  [{ host: '192.0.2.1' }, 'host: 192.0.2.1 is no address of this machine'],
  [
    { socket: '/none/such/place' },
    'socket: /none/such/place cannot be made: its folder is missing, or not ours to write to',
  ],
])('says why it cannot listen with %o', async (given, message) => {
  const program = resolve(programTable, { port: 0, ...given });
  await expect(async () => listen(httpServer(program), program)).rejects.toMatchObject({
    name: 'ConfigError',
    message,
  });
});
