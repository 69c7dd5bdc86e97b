import { expect, it } from 'vitest';
import { carried, describeWithRedis } from '../cluster.ts';
import { skip } from '../../../src/redis/scripts/skip.ts';

describeWithRedis('the publish script', (cluster) => {
  it('puts one entry for a batch into the mailbox of each node that wants its channels, and of its own', async () => {
    const a = await cluster().node('a');
    await cluster().node('b', '/x/*');
    await cluster().node('c', '/**', '/x/1');
    await cluster().node('d', '/y');
    const batch = [carried('/x/1', 1), carried('/y', 2), carried('/x/1', 3)];
    expect(await cluster().publish(a, 1, ...batch)).toEqual({ is: 'OK' });
    expect(await cluster().mailbox('a')).toEqual(['n 1 p {"data":1} p {"data":2} p {"data":3}']);
    expect(await cluster().mailbox('b')).toEqual(['n 1 p {"data":1} p {"data":3}']);
    expect(await cluster().mailbox('c')).toEqual(['n 1 p {"data":1} p {"data":2} p {"data":3}']);
    expect(await cluster().mailbox('d')).toEqual(['n 1 p {"data":2}']);
  });

  it.each(['/a/b/c', '/a/b/*', '/a/b/**', '/a/**', '/**'])(
    'brings /a/b/c to a node that wants %s (CH-3)',
    async (pattern) => {
      const a = await cluster().node('a');
      await cluster().node('b', pattern);
      await cluster().node('c', '/a/b', '/a/*', '/a/b/c/*', '/a/b/c/**', '/b/**', '/*');
      await cluster().publish(a, 1, carried('/a/b/c', 1));
      expect(await cluster().mailbox('b')).toHaveLength(1);
      expect(await cluster().mailbox('c')).toEqual([]);
    },
  );

  it('numbers the entries of a mailbox without holes, whoever publishes', async () => {
    const a = await cluster().node('a', '/x');
    const b = await cluster().node('b', '/x');
    await cluster().publish(a, 1, carried('/x', 1));
    await cluster().publish(b, 1, carried('/x', 2));
    await cluster().publish(a, 2, carried('/x', 3));
    const texts = ['n 1 p {"data":1}', 'n 2 p {"data":2}', 'n 3 p {"data":3}'];
    expect(await cluster().mailbox('a')).toEqual(texts);
    expect(await cluster().mailbox('b')).toEqual(texts);
  });

  it('does nothing for a batch that was done, or that overtook another', async () => {
    const a = await cluster().node('a');
    const batch = [carried('/x', 1), carried('/x', 2)];
    await cluster().publish(a, 1, ...batch);
    expect(await cluster().publish(a, 1, ...batch)).toEqual({ is: 'ORDER', last: 2 });
    expect(await cluster().publish(a, 4, carried('/x', 4))).toEqual({ is: 'ORDER', last: 2 });
    // WAIT waits for the last write of its own connection: so one that was done before has to write too.
    const writes = async () =>
      /rdb_changes_since_last_save:(\d+)/.exec(String(await cluster().send('INFO')))?.[1];
    const before = Number(await writes());
    await cluster().publish(a, 1, ...batch);
    expect(Number(await writes())).toBeGreaterThan(before);
    expect(await cluster().publish(a, 3, carried('/x', 3))).toEqual({ is: 'OK' });
    expect(await cluster().mailbox('a')).toEqual(['n 1 p {"data":1} p {"data":2}', 'n 2 p {"data":3}']);
  });

  it('refuses a node without a lease, and one that knows other data, before anything is done', async () => {
    const a = await cluster().node('a', '/x');
    await cluster().send('DEL', `${cluster().keys.prefix}n:a`);
    expect(await cluster().publish(a, 1, carried('/x', 1))).toEqual({ is: 'FENCED' });
    await cluster().beat('a');
    expect(await cluster().publish({ ...a, birth: 'other' }, 1, carried('/x', 1))).toEqual({ is: 'REBORN' });
    expect(await cluster().mailbox('a')).toEqual([]);
    expect(await cluster().publish(a, 1, carried('/x', 1))).toEqual({ is: 'OK' });
  });

  it('takes an addressed publication to the named nodes only, and its own', async () => {
    const a = await cluster().node('a');
    for (const name of ['b', 'c', 'd']) await cluster().node(name, '/**');
    const to = (data: number, ...toNodes: string[]) => carried('/x', data, { toNodes });
    await cluster().publish(a, 1, to(1, 'b'), to(2, 'a'), to(3, 'b', 'a', 'c'), to(4));
    expect(await cluster().mailbox('a')).toEqual(['n 1 p {"data":1} p {"data":2} p {"data":3} p {"data":4}']);
    expect(await cluster().mailbox('b')).toEqual(['n 1 p {"data":1} p {"data":3}']);
    expect(await cluster().mailbox('c')).toEqual(['n 1 p {"data":3}']);
    expect(await cluster().mailbox('d')).toEqual([]);
  });

  it('makes no mailbox for a node that is gone', async () => {
    const a = await cluster().node('a');
    await cluster().publish(a, 1, carried('/x', 1, { toNodes: ['gone'] }));
    expect(await cluster().send('EXISTS', cluster().keys.mailbox('gone'))).toBe(0);
    expect(await cluster().mailbox('a')).toEqual(['n 1 p {"data":1}']);
  });

  it('stores a record without bringing it to anybody, and tells the publisher its id', async () => {
    const a = await cluster().node('a', '/**');
    await cluster().node('b', '/**');
    const durable = { retention: { maxEvents: 9 }, json: '{"some":"record"}' };
    await cluster().publish(a, 1, { channel: 'bWU', envelope: '', durable, isRecord: true });
    const [told, ...more] = await cluster().mailbox('a');
    expect(told).toMatch(/^n 1 r \[1,\{"h":\d+,"at":\d+\}\]$/);
    expect([more, await cluster().mailbox('b')]).toEqual([[], []]);
  });

  it('keeps about as many entries of a mailbox as it is told', async () => {
    const a = await cluster().node('a');
    for (let at = 1; at <= 1300; at += 1) void cluster().publish(a, at, carried('/x', at));
    await expect.poll(async () => (await cluster().mailbox('a')).at(-1)).toBe('n 1300 p {"data":1300}');
    const { length } = await cluster().mailbox('a');
    expect(length).toBeGreaterThanOrEqual(1000);
    expect(length).toBeLessThan(1200);
  });

  it('is loaded again by a Redis that forgot it', async () => {
    const a = await cluster().node('a');
    await cluster().publish(a, 1, carried('/x', 1));
    await cluster().send('SCRIPT', 'FLUSH');
    expect(await cluster().publish(a, 2, carried('/x', 2))).toEqual({ is: 'OK' });
    expect(await cluster().mailbox('a')).toHaveLength(2);
  });
});

describeWithRedis('the skip script', (cluster) => {
  it('uses up numbers, so that a batch that comes late is refused', async () => {
    const a = await cluster().node('a');
    expect(await skip(cluster().runner, a, 1, 2)).toEqual({ is: 'OK' });
    expect(await cluster().publish(a, 1, carried('/x', 1), carried('/x', 2))).toEqual({
      is: 'ORDER',
      last: 2,
    });
    expect(await cluster().publish(a, 3, carried('/x', 3))).toEqual({ is: 'OK' });
    expect(await cluster().mailbox('a')).toEqual(['n 1 s [1,2]', 'n 2 p {"data":3}']);
    expect(await skip(cluster().runner, a, 1, 2)).toEqual({ is: 'ORDER', last: 3 });
  });

  it('does nothing when the batch was done, or a number before is missing', async () => {
    const a = await cluster().node('a');
    await cluster().publish(a, 1, carried('/x', 1));
    expect(await skip(cluster().runner, a, 1, 1)).toEqual({ is: 'ORDER', last: 1 });
    expect(await skip(cluster().runner, a, 3, 1)).toEqual({ is: 'ORDER', last: 1 });
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    expect(await skip(cluster().runner, { node: 'a', birth: 'first' }, 1, 1)).toEqual({ is: 'FENCED' });
    const a = await cluster().node('a');
    expect(await skip(cluster().runner, { ...a, birth: 'other' }, 1, 1)).toEqual({ is: 'REBORN' });
  });
});
