import { describe, expect, it } from 'vitest';
import { type Client, open } from '../conformance/client.ts';
import type { EventStream } from '../conformance/event-stream.ts';
import { send } from '../http/send.ts';
import { start } from '../support/start.ts';
import { settle, until } from '../support/until.ts';
import { client, reach, unread } from './sessions.ts';

/** A session that polls, and a stream of it, unread. */
async function withStream(url: string): Promise<{ alice: Client; stream: EventStream }> {
  const target = reach(url);
  const alice = await open(target);
  return { alice, stream: await target.stream(alice.clientId) };
}

/** A session whose events come by its stream. */
const viaStream = (url: string): Promise<Client> => client(url, { transport: 'eventsource' });

describe('an event stream', () => {
  it('begins with its headers and how soon to come back', async () => {
    const { url } = await start();
    const { stream } = await withStream(url);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-store, no-transform',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
    expect(await stream.lines.shift()).toBe('retry: 5000');
    expect(await stream.lines.shift()).toBe('');
  });

  it('brings what waited, and then each flush as one line', async () => {
    const { server, url } = await start();
    const target = reach(url, 'long-polling');
    const alice = await open(target);
    await alice.subscribe('/news');
    await server.publish('/news', 'a');
    const stream = await target.stream(alice.clientId);
    await stream.lines.until((lines) => lines.length >= 4);
    void server.publish('/news', 'b');
    void server.publish('/news', 'c');
    await stream.lines.until((lines) => lines.length >= 6);
    expect(stream.lines.items).toEqual([
      'retry: 5000',
      '',
      'data: [{"channel":"/news","data":"a"}]',
      '',
      'data: [{"channel":"/news","data":"b"},{"channel":"/news","data":"c"}]',
      '',
    ]);
  });

  it('says a comment every ten seconds', async () => {
    const { clock, url } = await start({ maxInterval: 60_000 });
    const { stream } = await withStream(url);
    await stream.lines.until((lines) => lines.length === 2);
    await clock.tick(9_999);
    expect(stream.lines.items).toHaveLength(2);
    await clock.tick(1);
    await stream.lines.until((lines) => lines.length === 4);
    await clock.tick(10_000);
    await stream.lines.until((lines) => lines.length === 6);
    expect(stream.lines.items.slice(2)).toEqual([':', '', ':', '']);
  });

  it('keeps events out of the answers to POSTs', async () => {
    const { url } = await start();
    const alice = await viaStream(url);
    await alice.subscribe('/news');
    const answer = await alice.link.send([alice.message('/news', { data: 1 })]).messages;
    expect(answer).toHaveLength(1);
    expect(await alice.take(1)).toEqual([{ channel: '/news', data: 1 }]);
  });

  it('makes the connect a heartbeat, and its pause count for the expiry', async () => {
    const { server, clock, url } = await start();
    const alice = await viaStream(url);
    const reply = await alice.connect();
    expect(reply.advice).toEqual({ reconnect: 'retry', interval: 30_000, timeout: 0 });
    await clock.tick(44_999);
    expect(server.sessions.size).toBe(1);
    await clock.tick(1);
    expect(server.sessions.size).toBe(0);
    await alice.stream?.ended.catch(() => {});
  });

  it('that is closed leaves events to the next connect', async () => {
    const { server, url } = await start();
    const alice = await viaStream(url);
    const [session] = server.sessions;
    await alice.subscribe('/news');
    alice.stream?.destroy();
    await until(() => session?.push === undefined);
    await server.publish('/news', 1);
    await settle();
    const messages = await alice.link.send([alice.connectRequest()]).messages;
    expect(messages).toMatchObject([{ channel: '/news', data: 1 }, { channel: '/meta/connect' }]);
  });

  it('ends when a newer one is opened, or the session is over', async () => {
    const { server, clock, url } = await start();
    const target = reach(url, 'eventsource');
    const alice = await open(target);
    const newer = await target.stream(alice.clientId);
    await alice.stream?.ended;
    await alice.call('/meta/disconnect');
    await newer.ended;
    expect(
      (await send(url, 'GET', `/${String(alice.clientId)}`, { Accept: 'text/event-stream' })).status,
    ).toBe(404);
    await until(() => clock.pending === 0);
    expect(server.usage).toEqual({ sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 });
  });

  it('tells of a disconnect by the server', async () => {
    const { server, url } = await start();
    const { stream } = await withStream(url);
    for (const session of server.sessions) session.disconnect();
    await stream.ended;
    expect(stream.lines.items).toContain('data: [{"channel":"/meta/disconnect","successful":true}]');
  });

  it('ends with the server', async () => {
    const { server, clock, url } = await start();
    const { stream } = await viaStream(url);
    await server.close();
    await stream?.ended;
    await until(() => clock.pending === 0);
  });

  it('that is not read leaves events in the queue, where its limits hold', async () => {
    const { server, url } = await start({ maxQueue: 500, maxQueueBytes: 100_000_000 });
    const alice = await client(url);
    await alice.subscribe('/news');
    const [session] = server.sessions;
    const other = await open(reach(url));
    await other.subscribe('/small');

    const stalled = unread(url, { path: `/${String(alice.clientId)}`, accept: 'text/event-stream' });
    await until(() => session?.push !== undefined);
    for (let at = 0; at < 400; at += 1) await server.publish('/news', `${at} ${'x'.repeat(100_000)}`);
    expect(await other.link.send([other.message('/small', { data: 1 })]).messages).toHaveLength(2);
    // By now all that may be written was written.
    await settle();
    expect(session?.outbox.size).toBeGreaterThan(300);

    stalled.destroy();
    await until(() => session?.push === undefined);
    const waiting = session?.outbox.size ?? 0;
    expect(waiting).toBeGreaterThan(300);
    const [first] = await alice.take(1);
    expect(Number.parseInt(String(first?.data), 10)).toBe(400 - waiting);
  });

  it('is not for a session that is deliverOnly, nor offered where the server is', async () => {
    const { server, url } = await start({ transports: ['long-polling', 'eventsource'] });
    const target = reach(url);
    const alice = await open(target);
    for (const session of server.sessions) session.deliverOnly = true;
    expect((await target.stream(alice.clientId)).status).toBe(404);

    const strict = await start({ metaConnectDeliverOnly: true });
    const [reply] = JSON.parse((await reach(strict.url).post([handshake]).response).text);
    expect(reply.supportedConnectionTypes).not.toContain('eventsource');
  });
});

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
