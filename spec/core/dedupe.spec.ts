import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

const faye = { supportedConnectionTypes: ['in-process', 'websocket', 'long-polling'] };
const cometd = { supportedConnectionTypes: ['websocket', 'long-polling', 'callback-polling'] };

async function publisher(settings = {}, fields: object = faye) {
  const { server, clock } = serve(settings);
  const client = await FakeClient.connected(server, exchange(), { ...fields });
  const published: unknown[] = [];
  server.on('published', ({ data }) => published.push(data));
  const repeat = (fields: object = {}, conduit = exchange()) =>
    client.send({ id: '7', channel: '/a', clientId: client.clientId, data: { x: 1 }, ...fields }, conduit);
  return { server, clock, client, published, repeat };
}

describe('a publish sent again (PB-7)', () => {
  it('is answered as the first was, and not published again', async () => {
    const { published, repeat } = await publisher();
    const [first, second] = [await repeat(), await repeat()];
    expect(second.reply).toEqual(first.reply);
    expect(published).toHaveLength(1);
  });

  it('is recognised while the first still waits for a policy', async () => {
    const { published, repeat } = await publisher({
      policy: { canPublish: () => new Promise<boolean>((resolve) => void setImmediate(() => resolve(true))) },
    });
    const both = await Promise.all([repeat(), repeat()]);
    expect(both.map(({ reply }) => reply.successful)).toEqual([true, true]);
    expect(published).toHaveLength(1);
  });

  it.each([
    ['another id', { id: '8' }],
    ['an id of another type', { id: 7 }],
    ['no id', { id: undefined }],
    ['another channel', { channel: '/b' }],
    ['other data', { data: { x: 2 } }],
  ])('is another one with %s', async (_what, fields) => {
    const { published, repeat } = await publisher();
    await repeat();
    await repeat(fields);
    expect(published).toHaveLength(2);
  });

  it('without an id is never taken for another', async () => {
    const { published, repeat } = await publisher();
    await repeat({ id: undefined });
    await repeat({ id: undefined });
    expect(published).toHaveLength(2);
  });

  it('on the same socket is meant', async () => {
    const { published, repeat } = await publisher();
    const wire = socket();
    await repeat({}, wire);
    await repeat({}, wire);
    expect(published).toHaveLength(2);
    await repeat({}, socket());
    expect(published).toHaveLength(2);
  });

  it('is forgotten after a minute, or 32 others', async () => {
    const { client, clock, published, repeat } = await publisher({ maxInterval: 1e6 });
    await repeat();
    await clock.tick(59_999);
    await repeat();
    expect(published).toHaveLength(1);
    await clock.tick(1);
    await repeat();
    expect(published).toHaveLength(2);
    for (let at = 0; at < 31; at += 1) await client.publish('/b', at);
    await repeat();
    expect(published).toHaveLength(33);
    await client.publish('/b', 'one more');
    await repeat();
    expect(published).toHaveLength(35);
  });

  it('that failed is tried again', async () => {
    let allowed = false;
    const { published, repeat } = await publisher({ policy: { canPublish: () => allowed } });
    expect((await repeat()).reply).toMatchObject({ successful: false });
    allowed = true;
    expect((await repeat()).reply).toMatchObject({ successful: true });
    expect(published).toHaveLength(1);
  });

  it('by another session is its own', async () => {
    const { server, published, repeat } = await publisher();
    await repeat();
    const other = await FakeClient.connected(server, exchange(), faye);
    await other.send({ id: '7', channel: '/a', clientId: other.clientId, data: { x: 1 } });
    expect(published).toHaveLength(2);
  });

  it.each([
    ['faye', cometd, 2],
    ['faye', { supportedConnectionTypes: ['long-polling', 'eventsource'] }, 1],
    ['faye', { supportedConnectionTypes: ['cross-origin-long-polling'] }, 1],
    [true, cometd, 1],
    [false, faye, 2],
  ] as const)(
    'with dedupe %s, by a client that lists %j, is published %i times',
    async (dedupe, fields, times) => {
      const { published, repeat } = await publisher({ dedupe }, fields);
      await repeat();
      await repeat();
      expect(published).toHaveLength(times);
    },
  );
});

it('a publish sent again asks the policy again, which may have changed its mind (PB-7, SEC-13)', async () => {
  let allowed = true;
  const { published, repeat } = await publisher({ policy: { canPublish: () => allowed } });
  await repeat();
  allowed = false;
  expect((await repeat()).reply).toMatchObject({ successful: false, error: '403:/a:publish_denied' });
  allowed = true;
  expect((await repeat()).reply).toMatchObject({ successful: true });
  expect(published).toHaveLength(1);
});
