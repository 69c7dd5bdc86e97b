import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errors } from '../../src/protocol/errors.ts';
import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';
import { SlowHistory } from '../support/slow-history.ts';
import { settle, turn } from '../support/until.ts';

const channels = {
  '/durable/**': { history: true },
  '/numbers/**': { schema: { type: 'object', properties: { x: { type: 'number' } } } },
} as const;

const publishing = fc.record({
  channel: fc.constantFrom('/plain/a', '/plain/b', '/durable/a', '/durable/b', '/numbers/a'),
  x: fc.oneof(
    { weight: 8, arbitrary: fc.constant<unknown>(1) },
    { weight: 1, arbitrary: fc.constant('no number') },
  ),
  extension: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('pass', 'later') },
    { weight: 1, arbitrary: fc.constantFrom('refuse', 'delete', 'refuse later') },
  ),
});
type Generated = typeof publishing extends fc.Arbitrary<infer T> ? T : never;

const isRefused = ({ channel, x, extension }: Generated): boolean =>
  (extension !== 'pass' && extension !== 'later') || (channel === '/numbers/a' && x !== 1);

describe('server.publishAll', () => {
  it('delivers all in one piece to each receiver, or none, whatever is published meanwhile', async () => {
    const batches = fc.array(fc.array(publishing, { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(batches, fc.boolean(), async (lists, isSlow) => {
        const settings: ServerSettings = {
          channels,
          extensions: [
            {
              name: 'moody',
              publishing(event) {
                const { extension } = event.data as Generated;
                if (extension === 'refuse') throw errors.publishDenied(event.channel);
                if (extension === 'delete') return undefined;
                if (extension === 'later') return Promise.resolve(event);
                return extension === 'refuse later'
                  ? Promise.reject(errors.publishDenied(event.channel))
                  : event;
              },
            },
          ],
          ...(isSlow && { history: new SlowHistory(turn) }),
        };
        const { server, clock } = serve(settings);
        const receivers = [socket(), socket()];
        for (const conduit of receivers) {
          const client = await FakeClient.connected(server, conduit);
          await client.subscribe('/**', conduit);
        }
        const outcomes = lists.map((list, batch) => {
          const events = list.map(({ channel, ...rest }, at) => ({ channel, data: { ...rest, batch, at } }));
          void server.publish('/plain/single', { batch: -1, extension: 'pass' });
          return server.publishAll(events).then(
            () => true,
            () => false,
          );
        });
        const succeeded = await Promise.all(outcomes);
        await settle();
        await clock.tick(0);
        expect(succeeded).toEqual(lists.map((list) => !list.some(isRefused)));
        for (const { data } of receivers) {
          const places = data.map((one) => one as { batch: number; at: number });
          for (const [batch, list] of lists.entries()) {
            const first = places.findIndex((one) => one.batch === batch);
            const got = first === -1 ? [] : places.slice(first, first + list.length);
            const wanted = succeeded[batch] === true ? list.map((_, at) => ({ batch, at })) : [];
            expect(got.map((one) => ({ batch: one.batch, at: one.at }))).toEqual(wanted);
            expect(places.filter((one) => one.batch === batch)).toHaveLength(wanted.length);
          }
        }
        await server.close();
      }),
      { numRuns: 80 },
    );
  });

  it('delivers nothing where one cannot be stored', async () => {
    let appends = 0;
    const history = new SlowHistory(async (what) => {
      appends += what === 'append' ? 1 : 0;
      await turn();
      if (what === 'append' && appends === 3) throw new Error('the disk is full');
    });
    const { server, clock } = serve({ channels, history });
    const heard: unknown[] = [];
    await (await server.localSession()).subscribe('/**', ({ data }) => heard.push(data));
    const events = ['/durable/a', '/plain/a', '/durable/b', '/durable/c'].map((channel) => ({
      channel,
      data: 1,
    }));
    await expect(server.publishAll(events)).rejects.toThrow('the disk is full');
    await server.publish('/durable/a', 'afterwards');
    await settle();
    await clock.tick(0);
    expect(heard).toEqual(['afterwards']);
  });

  it('says what is wrong with its argument', async () => {
    const { server } = serve();
    const wrong = [
      { channel: '/a', data: 1 },
      { channel: '/service/a', data: 1 },
    ];
    await expect(server.publishAll(wrong)).rejects.toThrow(
      '"/service/a" is not the name of a broadcast channel',
    );
    await server.publishAll([]);
    await server.close();
    await expect(server.publishAll(wrong)).rejects.toThrow('the server is closed');
  });
});
