import { describe, expect, it } from 'vitest';
import type { PolicyRequest } from '../../src/index.ts';
import type { Transport } from '../conformance/check.ts';
import { start } from '../support/start.ts';
import { client } from '../transports/sessions.ts';

/** Only `/open` may be used, and the application itself subscribes to everything. */
async function guarded() {
  const asked: string[] = [];
  const isOpen = ({ channel }: PolicyRequest) => asked.push(channel) > 0 && channel === '/open';
  const here = await start({ policy: { canPublish: isOpen, canSubscribe: isOpen } });
  const published: string[] = [];
  here.server.on('published', ({ channel }) => published.push(channel));
  return { ...here, asked, published };
}

const transports: readonly Transport[] = ['long-polling', 'callback-polling', 'websocket'];

describe('another way to write a channel that is not allowed (SEC-12)', () => {
  it.each(transports)('subscribes to nothing: %s', async (transport) => {
    const { url, server } = await guarded();
    const alice = await client(url, { transport });
    const aliases: unknown[] = [
      ...[
        '/vip',
        '/**',
        '/*',
        '/vip/',
        '//vip',
        '/./vip',
        '/open/../vip',
        '/%76ip',
        '/VIP',
        ' /vip',
        '/vip ',
      ],
      ...['/vip\u0000', '/vip/**', '/ｖip', '/open,/vip', ['/open', '/vip'], ['/open', ['/vip']], ['/**']],
      ...[{ 0: '/vip' }, '/open/**', '/meta/connect', '/meta/**', ''],
    ];
    for (const subscription of aliases)
      expect(await alice.call('/meta/subscribe', { subscription })).toMatchObject({ successful: false });
    const [session] = server.sessions;
    expect([...(session?.subscriptions ?? [])]).toEqual([]);
  });

  it.each(transports)('publishes nothing: %s', async (transport) => {
    const { url, published } = await guarded();
    const alice = await client(url, { transport });
    const aliases = [
      ...['/vip', '/vip/', '//vip', '/./vip', '/open/../vip', '/%76ip', '/VIP', ' /vip', '/vip\u0000', '/*'],
      ...[
        '/open/*',
        '/meta/publish',
        '/meta/connect/x',
        '/meta/subscribe/x',
        '/meta/handshake/',
        '/Meta/connect',
      ],
      ...['/meta', '/service', '/service/vip'],
    ];
    for (const channel of aliases)
      expect(await alice.call(channel, { data: 1, subscription: '/vip' })).toMatchObject({
        successful: false,
      });
    expect(published).toEqual([]);
  });

  it('is no meta channel because it begins like one (CH-7)', async () => {
    const { url, server, asked } = await guarded();
    const alice = await client(url);
    for (const channel of ['/meta/subscribe/x', '/meta/subscribe/', '/meta/subscribe?', '/meta//subscribe'])
      await alice.call(channel, { subscription: '/open' });
    expect(asked).toEqual([]);
    const [session] = server.sessions;
    expect([...(session?.subscriptions ?? [])]).toEqual([]);
  });
});
