import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hashOf } from '../../src/http/api/key-ring.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type Running, ask, run, serve } from './running-program.ts';

const { file } = tempFolder();
const [reader, publisher, everything] = ['read', 'publish', 'admin'].map(
  (name) => `0123456789abcdef-${name}`,
);

const key = (text = '', rights: string, channels?: string) =>
  `  hash: ${hashOf(text)}\n  rights: [${rights}]\n${channels === undefined ? '' : `  channels: ["${channels}"]\n`}`;

const keys = file(
  'keys.yaml',
  `some:\n${key('0123456789abcdef-some', 'read', '/some/**')}reader:\n${key(reader, 'read', '/**')}publisher:\n${key(publisher, 'publish', '/**')}operator:\n${key(everything, 'admin')}`,
);

const linesOf = ({ stderr }: Running, event: string): Record<string, unknown>[] =>
  stderr()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .filter((line) => line.event === event);

const bearer = (text = '') => ({ authorization: `Bearer ${text}` });

const handshake = async (url: string): Promise<string> => {
  const message = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const headers = { 'content-type': 'application/json' };
  const { body } = await ask(`${url}/bayeux`, { method: 'POST', headers, body: JSON.stringify(message) });
  return JSON.parse(body)[0].clientId;
};

describe('health checks of the program', () => {
  it('answer by default, whatever host the request names', async () => {
    const { url } = await serve();
    for (const headers of [{}, { host: '10.1.2.3:8000' }, { host: 'evil.example' }]) {
      const answers = await Promise.all(['/healthz', '/readyz'].map((path) => ask(url + path, { headers })));
      expect(answers.map(({ status, body }) => [status, body])).toEqual([
        [200, '{"status":"alive"}\n'],
        [200, '{"status":"ready"}\n'],
      ]);
    }
    expect((await ask(`${url}/`, { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('leave no room for Bayeux on their paths', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/metrics/x']) {
      const { status, stderr } = await run(['--path', path, '--check']);
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining('outside /api, /admin, /clients, /metrics'),
      ]);
    }
  });
});

describe('/metrics of the program', () => {
  it('is for keys with the right to read all channels', async () => {
    const { url } = await serve(['--api-keys-file', keys]);
    const answers = await Promise.all(
      [reader, everything, publisher, '0123456789abcdef-some', 'wrong-key', undefined].map((text) =>
        ask(`${url}/metrics`, { headers: text === undefined ? {} : bearer(text) }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403, 403, 401, 401]);
    const [first, , , some] = answers;
    expect(first?.body).toContain('bayeuxd_sessions_limit ');
    expect(JSON.parse(some?.body ?? '')).toMatchObject({
      status: 403,
      code: 'channel_denied',
      detail: 'the key "some" may not read /**: its channels are /some/**',
    });
    expect(
      answers
        .slice(2)
        .map(({ body }) => body)
        .join(),
    ).not.toContain('bayeuxd_');
  });

  it('is closed without a key', async () => {
    const { url } = await serve();
    const { status, body } = await ask(`${url}/metrics`, { headers: bearer('anything') });
    expect([status, body]).toEqual([403, expect.stringContaining('no API key is configured')]);
  });

  it('is on a port of its own without a key, for this machine alone unless told otherwise', async () => {
    const running = await serve(['--metrics-port', '0', '--log-format', 'json']);
    const metricsUrl = String(linesOf(running, 'listening')[0]?.metrics);
    expect(running.stdout()).toContain(`  Metrics   ${metricsUrl}/metrics\n`);
    expect(metricsUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const statuses = async (path: string, host = 'localhost') =>
      (await ask(metricsUrl + path, { headers: { host } })).status;
    expect(
      await Promise.all(['/metrics', '/readyz', '/healthz', '/', '/bayeux'].map((path) => statuses(path))),
    ).toEqual([200, 200, 200, 404, 404]);
    expect(await statuses('/metrics', 'evil.example')).toBe(403);
  });

  it('says which option is wrong where its port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const { status, stderr } = await run(['--port', '0', '--metrics-port', port]);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`metrics.port: ${port} on 127.0.0.1 is in use`),
    ]);
  });

  it('needs a port for its host', async () => {
    const { status, stderr } = await run(['--metrics-host', '0.0.0.0', '--check']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('metrics.host needs metrics.port too')]);
  });
});

describe('SIGTERM', () => {
  it('makes the program not ready at once; it drains, says how that went, and exits with 0', async () => {
    const running = await serve(['--drain-window', '2000', '--log-format', 'json']);
    const { url, child } = running;
    const clientId = await handshake(url);
    const exited = once(child, 'close');
    child.kill('SIGTERM');
    const ready = () => ask(`${url}/readyz`).then(({ status, body }) => [status, JSON.parse(body).status]);
    await expect.poll(ready).toEqual([503, 'draining']);
    expect((await ask(`${url}/healthz`)).status).toBe(200);
    const message = { channel: '/meta/disconnect', clientId };
    const headers = { 'content-type': 'application/json' };
    await ask(`${url}/bayeux`, { method: 'POST', headers, body: JSON.stringify(message) });
    const [status] = await exited;
    expect(status).toBe(0);
    expect(linesOf(running, 'closed')).toMatchObject([{ level: 'info', sessions: 1, left: 1, ended: 0 }]);
    expect(Number(linesOf(running, 'closed')[0]?.ms)).toBeLessThan(2_000);
  });

  it('twice ends it at once', async () => {
    const running = await serve(['--drain-window', '60000', '--log-format', 'json']);
    await handshake(running.url);
    running.child.kill('SIGTERM');
    await expect.poll(() => linesOf(running, 'closing')).toHaveLength(1);
    const began = performance.now();
    await running.end();
    expect(performance.now() - began).toBeLessThan(5_000);
    expect([running.child.signalCode, linesOf(running, 'closed')]).toEqual(['SIGTERM', []]);
  });
});
