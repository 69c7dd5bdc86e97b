import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/server.ts';
import { serve } from '../support/fake-client.ts';
import { HeldHistory } from '../support/held-history.ts';
import { until } from '../support/until.ts';

const channels = { '/d/**': { history: { maxEvents: 100 } } } as const;

/** A server with so many events on `/d/1`, and their ids. */
async function filled(count: number, settings: ServerSettings = {}) {
  const { server, clock } = serve({ channels, ...settings });
  const ids: number[] = [];
  for (let at = 0; at < count; at += 1) ids.push((await server.publish('/d/1', { at })).id ?? 0);
  return { server, clock, ids };
}

describe('server.history', () => {
  it('gives events as they were published, oldest first, page by page', async () => {
    const { server, ids, clock } = await filled(45);
    const seen: number[] = [];
    let after: number | undefined;
    do {
      const page = await server.history('/d/1', { after, limit: 20 });
      expect(page?.recovered).toBe(after === undefined ? undefined : true);
      seen.push(...(page?.events.map(({ id }) => id) ?? []));
      after = page?.next;
    } while (after !== undefined);
    expect(seen).toEqual(ids);
    expect((await server.history('/d/1', { after: ids[43] }))?.events).toEqual([
      { id: ids[44], at: Math.floor(clock.now()), channel: '/d/1', data: { at: 44 } },
    ]);
  });

  it('names a next page after a full one, which may be empty, and none after the last event', async () => {
    const { server } = await filled(40);
    expect(await server.history('/d/1', { limit: 40 })).toHaveProperty('next');
    expect(await server.history('/d/1', { limit: 41 })).not.toHaveProperty('next');
    expect(await server.history('/d/none')).toEqual({ events: [] });
  });

  it('says when events after an id are gone, or the id is not one of this history', async () => {
    const { server, ids } = await filled(130);
    const recovered = async (after: number | undefined) =>
      (await server.history('/d/1', { after, limit: 1 }))?.recovered;
    expect(await recovered(ids[28])).toBe(false);
    expect(await recovered(ids[29])).toBe(true);
    expect(await recovered(ids[129])).toBe(true);
    expect(await recovered((ids[129] ?? 0) + 1)).toBe(false);
  });

  it('reads patterns, and knows no channel that is not durable', async () => {
    const { server } = await filled(1);
    await server.publish('/d/2', 2, { ext: { a: 1 } });
    expect((await server.history('/d/*'))?.events).toMatchObject([
      { channel: '/d/1', data: { at: 0 } },
      { channel: '/d/2', data: 2, ext: { a: 1 } },
    ]);
    expect(await server.history('/plain')).toBeUndefined();
    expect(await serve().server.history('/d/1')).toBeUndefined();
  });

  it('ends a page of large events early, but never without an event', async () => {
    const { server } = serve({ channels });
    for (let at = 0; at < 3; at += 1) await server.publish('/d/1', 'x'.repeat(700_000));
    const page = await server.history('/d/1');
    expect(page?.events.length).toBe(2);
    expect((await server.history('/d/1', { after: page?.next }))?.events.length).toBe(1);
  });

  it('gives no event before subscribers get it', async () => {
    const history = new HeldHistory();
    const { server } = serve({ channels, history });
    await server.open();
    const published = server.publish('/d/1', 1);
    await until(() => history.appends.length === 1);
    expect((await server.history('/d/1'))?.events).toEqual([]);
    history.appends[0]?.store();
    await published;
    expect((await server.history('/d/1'))?.events).toHaveLength(1);
  });

  it.each([
    [undefined, {}, 'the channel comes first'],
    ['d', {}, '"d" is no channel name or pattern'],
    ['/d/1', { after: -1 }, 'after must be the id of an event, got -1'],
    ['/d/1', { limit: 0 }, 'limit must be a number from 1 to 1000, got 0'],
    ['/d/1', { limit: 1001 }, 'limit must be a number from 1 to 1000, got 1001'],
  ])('refuses %s with %j', async (channel, query, sentence) => {
    const { server } = serve({ channels });
    await expect(server.history(channel as string, query)).rejects.toThrow(sentence);
  });
});
