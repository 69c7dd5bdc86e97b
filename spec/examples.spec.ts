import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { api, bayeux, Server } from '../src/index.ts';
import { hasChromium, tabs } from './browser/chromium.ts';
import { freePorts } from './support/free-port.ts';
import { close, hears } from './interop/columns.ts';
import { run } from './interop/child.ts';
import { cometdDriver } from './interop/cometd-driver.ts';
import type { Driver } from './interop/driver.ts';
import { cometd, openCometd, openFaye } from './interop/node-clients.ts';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));

async function connected(client: Driver): Promise<Driver> {
  onTestFinished(() => close(client));
  await client.open();
  return client;
}

const anyPort = { PORT: '0' };

const post = (url: string, body: string) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

describe('examples', () => {
  it('are all run here, or in spec/migrations.spec.ts', () => {
    expect(readdirSync(folder).sort()).toEqual([
      'bare-http.js',
      'bare-websocket.html',
      'cluster',
      'express.js',
      'fastify.js',
      'in-process.js',
      'migrate-cometd',
      'migrate-faye',
      'publish-with-curl.sh',
    ]);
  });

  it.each(['express.js', 'fastify.js'])('%s serves Bayeux beside routes of its own', async (name) => {
    const { origin } = await run(`examples/${name}`, anyPort);
    const client = await connected(openCometd('9.0.0', `${origin}/bayeux`, 'websocket'));
    await client.subscribe('/news');
    const response = await post(`${origin}/news`, '{"text":"hello"}');
    expect(await response.json()).toEqual({ published: true });
    await hears(client, [['/news', '/news', { text: 'hello' }]]);
  });

  it('bare-http.js serves Bayeux on both transports', async () => {
    const { origin } = await run('examples/bare-http.js', anyPort);
    const one = await connected(openFaye(`${origin}/bayeux`, 'websocket'));
    const two = await connected(openCometd('9.0.0', `${origin}/bayeux`, 'long-polling'));
    await one.subscribe('/chat');
    await two.publish('/chat', 'hello');
    await hears(one, [['/chat', '/chat', 'hello']]);
  });

  it.skipIf(!hasChromium)('bare-websocket.html chats without a library', async () => {
    const { origin } = await run('examples/bare-http.js', anyPort);
    const window = await tabs();
    const [ada, grace] = [await window.open(origin), await window.open(origin)];
    for (const [page, line] of [
      [ada, 'hello'],
      [grace, 'hello yourself'],
    ] as const) {
      await page.fill('input', line);
      await page.click('button:enabled');
      for (const other of [ada, grace]) await other.getByText(line, { exact: true }).waitFor();
    }
    expect(await ada.locator('li').allTextContents()).toEqual(['hello', 'hello yourself']);
  });

  it('in-process.js answers as a client and as a service', async () => {
    const { origin, output } = await run('examples/in-process.js', anyPort);
    const bare = new cometd['9.0.0'].CometD();
    const client = await connected(cometdDriver(bare, `${origin}/bayeux`, 'websocket'));
    await client.subscribe('/answers');
    await client.publish('/questions', 'Why?');
    await hears(client, [['/answers', '/answers', 'Why? A good question.']]);
    const sum = await new Promise((resolve) =>
      bare.remoteCall('sum', [1, 2, 3], ({ data }) => resolve(data)),
    );
    expect(sum).toBe(6);
    await client.close();
    await expect.poll(output).toMatch(/^\w+ came\n\w+ went: disconnect$/m);
  });

  const lacking = ['redis-server', 'nginx'].filter((name) => spawnSync(name, ['-v']).error !== undefined);

  it.skipIf(lacking.length > 0)(
    `cluster/start.js is one server of three nodes, and goes on without one ${lacking.join(', ')}`,
    { timeout: 60_000 },
    async () => {
      const patience = { timeout: 30_000 };
      const { origin, output } = await run('examples/cluster/start.js', { PORT: String(await freePorts(5)) });
      await expect.poll(output, patience).toContain('The chat is at');
      const at = new URL(origin);
      at.port = /The chat is at http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? '';
      expect(await (await fetch(at)).text()).toContain('<title>');
      const url = `${at.origin}/bayeux`;
      const clients = await Promise.all(
        [
          openFaye(url, 'websocket'),
          openCometd('9.0.0', url, 'long-polling'),
          openCometd('8.0.11', url, 'long-polling'),
        ].map(connected),
      );
      for (const client of clients) await client.subscribe('/chat/a');
      await clients[0]?.publish('/chat/a', 'hello');
      for (const client of clients) await hears(client, [['/chat/a', '/chat/a', 'hello']]);

      const [, victim] = /Node two: .* process (\d+)/.exec(output()) ?? [];
      process.kill(Number(victim), 'SIGKILL');
      await expect.poll(output, patience).toContain('Node two has ended (SIGKILL)');
      const again = await connected(openCometd('9.0.0', url, 'websocket'));
      // Clients of the node that is gone shake hands anew, and subscribe anew.
      const allHear = async () => {
        await again.publish('/chat/a', 'still here');
        const heard = await Promise.all(clients.map((client) => client.heard()));
        return heard.every((events) => events.some(({ data }) => data === 'still here'));
      };
      await expect.poll(allHear, { timeout: 30_000, interval: 500 }).toBe(true);
    },
  );

  const hasCurl = spawnSync('curl', ['--version']).status === 0;

  it.skipIf(!hasCurl)('publish-with-curl.sh publishes in both ways', async () => {
    const server = new Server({ unconnectedPublish: 'allow' });
    const http = createServer(
      express()
        .use('/bayeux', bayeux(server))
        .use('/api', api(server, { key: 'open-sesame' })),
    );
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      await server.close();
      http.close();
    });
    const heard: unknown[] = [];
    server.on('published', ({ data }) => heard.push(data));

    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const env = { ...process.env, BAYEUXD_API_KEY: 'open-sesame' };
    const child = spawn('sh', [`${folder}publish-with-curl.sh`, url], { env });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(errors).toBe('');
    expect(output.split('\n')).toEqual([
      '{"channel":"/news","sessions":0}',
      '[{"channel":"/news","successful":true}]',
      '',
    ]);
    expect(heard).toEqual([{ text: 'by the HTTP API' }, { text: 'as a Bayeux message' }]);
  });
});
