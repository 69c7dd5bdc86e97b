import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask } from '../cli/running-program.ts';
import { patience, session } from '../interop/columns.ts';
import { host } from '../interop/host.ts';
import { handshake } from '../transports/websocket-client.ts';
import { type ProxyProgram, proxies, proxyFor, type RunningProxy } from './proxies.ts';

/** Publishes in the test of kept connections, and how many of them are under way. */
const PUBLISHES = 10_000;
const AT_ONCE = 16;

const installed = proxies.filter(({ isInstalled }) => isInstalled);

async function post(url: string, message: object, options: RequestOptions = {}) {
  const headers = { 'Content-Type': 'application/json', ...options.headers };
  const body = JSON.stringify([message]);
  const answer = await ask(url, { method: 'POST', ...options, headers, body });
  const [reply = {}] = answer.status === 200 ? JSON.parse(answer.body) : [];
  return { ...answer, reply };
}

async function shaken(url: string): Promise<string> {
  const { reply } = await post(url, handshake());
  return reply.clientId;
}

async function withStream(proxy: ProxyProgram) {
  const settings = { timeout: 400, maxInterval: 30_000, eventSource: { ping: 133 } };
  const place = await host({ ...settings, trustProxy: ['loopback'] });
  const running = await proxyFor(proxy, place.origin, proxy.cutsAfter(1));
  const url = `${running.origin}/bayeux`;
  const clientId = await shaken(url);
  await post(url, { channel: '/meta/subscribe', clientId, subscription: '/news' });
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await fetch(`${url}/${clientId}`, {
    headers: { Accept: 'text/event-stream' },
    signal: leaving.signal,
  });
  const stream = { text: '', isOver: false, leave: () => leaving.abort() };
  const read = async () => {
    for await (const chunk of response.body ?? []) stream.text += Buffer.from(chunk).toString();
  };
  read()
    .catch(() => {})
    .finally(() => (stream.isOver = true));
  return { ...{ place, running, clientId, stream } };
}

async function overTls(proxy: ProxyProgram, origin: string): Promise<RunningProxy> {
  const running = await proxyFor(proxy, origin, proxy.tls);
  return { ...running, origin: `https://${running.host}` };
}

describe.each(installed)('behind $name', (proxy) => {
  it('10,000 publishes by POST all succeed, over a few connections to the server', {
    timeout: 60_000,
  }, async () => {
    const sockets = new Set<Socket>();
    const place = await host(
      { trustProxy: ['loopback'] },
      { front: [(request, _response, next) => next(void sockets.add(request.socket))] },
    );
    const running = await proxyFor(proxy, place.origin);
    const url = `${running.origin}/bayeux`;
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    onTestFinished(() => agent.destroy());
    const clientId = await shaken(url);
    const outcomes = new Map<string, number>();
    let left = PUBLISHES;
    const publish = async () => {
      for (; left > 0; ) {
        left -= 1;
        const { status, reply } = await post(url, { channel: '/news', clientId, data: left }, { agent });
        const outcome = `${status} ${reply.successful}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, publish));
    expect(Object.fromEntries(outcomes)).toEqual({ '200 true': PUBLISHES });
    // nginx and HAProxy keep connections for each of their processes or threads.
    expect(sockets.size).toBeLessThan(PUBLISHES / 50);
  });

  it('an event stream gets each event at once, and is not cut while it has none', async () => {
    const { place, stream } = await withStream(proxy);
    const heard = () => [...stream.text.matchAll(/"data":(\d)/g)].map(([, data]) => data);
    for (const data of [1, 2, 3]) {
      await place.server.publish('/news', data);
      await expect.poll(heard, patience).toHaveLength(data);
    }
    // Three times the timeout of the proxy.
    const comments = () => stream.text.match(/^:/gm)?.length ?? 0;
    const since = performance.now();
    const before = comments();
    await expect.poll(comments, patience).toBeGreaterThanOrEqual(before + 24);
    expect(performance.now() - since).toBeGreaterThan(3_000);
    expect(stream.isOver).toBe(false);
    await place.server.publish('/news', 4);
    await expect.poll(heard, patience).toEqual(['1', '2', '3', '4']);
  });

  it('an event is not lost that comes after a client has gone whose connect was held (CN-15)', async () => {
    const place = await host({ trustProxy: ['loopback'] });
    const { origin } = await proxyFor(proxy, place.origin);
    const url = `${origin}/bayeux`;
    const clientId = await shaken(url);
    await post(url, { channel: '/meta/subscribe', clientId, subscription: '/news' });
    const connect = { channel: '/meta/connect', clientId, connectionType: 'long-polling' };
    await post(url, connect);
    const leaving = new AbortController();
    const held = post(url, connect, { signal: leaving.signal });
    await expect.poll(() => session(place.server).state, patience).toBe('held');
    leaving.abort();
    await expect(held).rejects.toThrow();
    await expect.poll(() => session(place.server).state, patience).toBe('idle');
    await place.server.publish('/news', 1);
    expect((await post(url, connect)).reply).toMatchObject({ channel: '/news', data: 1 });
  });

  it('the log has no clientId', async () => {
    const { clientId, stream, running } = await withStream(proxy);
    stream.leave();
    await expect.poll(running.log, patience).toMatch(/GET \/bayeux\W+200 /);
    expect(running.log()).not.toContain(clientId);
  });

  it('a policy sees the address of the client, and not one that the client made up', async () => {
    const addresses: string[] = [];
    const policy = {
      canHandshake({ request }: { request: { address: string } }) {
        addresses.push(request.address);
        return true;
      },
    };
    const place = await host({ policy, trustProxy: ['127.0.0.1'] });
    const { origin } = await proxyFor(proxy, place.origin);
    const from = { localAddress: '127.0.0.2', headers: { 'X-Forwarded-For': '6.6.6.6' } };
    await post(`${origin}/bayeux`, handshake(), from);
    expect(addresses).toEqual(['127.0.0.2']);
  });

  it('a page that came by TLS is of the same origin, and one that did not is refused', async () => {
    const place = await host({ trustProxy: ['loopback'] });
    const running = await overTls(proxy, place.origin);
    const agent = new SecureAgent({ rejectUnauthorized: false });
    const statusFor = async (Origin: string) =>
      (await post(`${running.origin}/bayeux`, handshake(), { agent, headers: { Origin } })).status;
    expect(await statusFor(`https://${running.host}`)).toBe(200);
    expect(await statusFor(`http://${running.host}`)).toBe(403);
  });
});

it('docs/deploying.md shows the configurations as they are', () => {
  const page = readFileSync('docs/deploying.md', 'utf8');
  for (const { file } of proxies) expect(page).toContain(readFileSync(file, 'utf8').trim());
});
