import { expect, it } from 'vitest';
import { changeGroup, membersOf } from '../../../src/redis/scripts/group.ts';
import { tell } from '../../../src/redis/scripts/tell.ts';
import type { Caller } from '../../../src/redis/scripts/script.ts';
import { describeWithRedis } from '../cluster.ts';

const sorted = (reply: unknown): unknown => (Array.isArray(reply) ? reply.toSorted() : reply);

describeWithRedis('the interest script', (cluster) => {
  it('adds and removes patterns of a node, under the pattern and under the node', async () => {
    const a = await cluster().node('a', '/x', '/y/*');
    const { keys } = cluster();
    expect(await cluster().send('SMEMBERS', keys.interest('/x'))).toEqual(['a']);
    expect(sorted(await cluster().send('SMEMBERS', `${keys.prefix}ni:a`))).toEqual(['/x', '/y/*']);
    expect(await cluster().interest(a, 2, ['/z'], ['/x', '/y/*'])).toEqual({ is: 'OK' });
    expect(await cluster().send('EXISTS', keys.interest('/x'), keys.interest('/y/*'))).toBe(0);
    expect(await cluster().send('SMEMBERS', `${keys.prefix}ni:a`)).toEqual(['/z']);
  });

  it('does not carry out a call again, though it comes late', async () => {
    const a = await cluster().node('a');
    await cluster().interest(a, 1, [], ['/x']);
    await cluster().interest(a, 2, ['/x']);
    expect(await cluster().interest(a, 1, [], ['/x'])).toEqual({ is: 'OK' });
    expect(await cluster().send('SMEMBERS', cluster().keys.interest('/x'))).toEqual(['a']);
  });

  it('refuses a call before which one is missing, a node without a lease, and one that knows other data', async () => {
    const a = await cluster().node('a');
    expect(await cluster().interest(a, 2, ['/x'])).toEqual({ is: 'ORDER', last: 0 });
    expect(await cluster().interest({ ...a, birth: 'other' }, 1, ['/x'])).toEqual({ is: 'REBORN' });
    expect(await cluster().interest({ ...a, node: 'b' }, 1, ['/x'])).toEqual({ is: 'FENCED' });
    expect(await cluster().send('EXISTS', cluster().keys.interest('/x'))).toBe(0);
  });
});

describeWithRedis('the group script', (cluster) => {
  const members = async (group: string) => {
    const outcome = await membersOf(cluster().runner, 'a', group);
    return outcome.is === 'OK' ? outcome.value : outcome;
  };
  const change = (caller: Caller, number: number, isIn: boolean, user: string) =>
    changeGroup(cluster().runner, caller, number, { group: 'editors', user, isIn });

  it('keeps users in the order in which they were added, each once, and no key when all are gone', async () => {
    const a = await cluster().node('a');
    const b = await cluster().node('b');
    await change(a, 1, true, 'bob');
    await change(b, 1, true, 'ann');
    await change(a, 2, true, 'bob');
    expect(await members('editors')).toEqual(['bob', 'ann']);
    await change(a, 3, false, 'bob');
    await change(a, 4, true, 'bob');
    await change(a, 5, false, 'nobody');
    expect(await members('editors')).toEqual(['ann', 'bob']);
    await change(a, 6, false, 'ann');
    await change(b, 2, false, 'bob');
    expect(await cluster().send('EXISTS', cluster().keys.group('editors'))).toBe(0);
    expect(await members('none')).toEqual([]);
  });

  it('does not carry out a call again, though it comes late', async () => {
    const a = await cluster().node('a');
    await change(a, 1, true, 'ann');
    await change(a, 2, false, 'ann');
    expect(await change(a, 1, true, 'ann')).toEqual({ is: 'OK' });
    expect(await members('editors')).toEqual([]);
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const a = await cluster().node('a');
    expect(await change({ ...a, birth: 'other' }, 1, true, 'ann')).toEqual({ is: 'REBORN' });
    expect(await change({ ...a, node: 'b' }, 1, true, 'ann')).toEqual({ is: 'FENCED' });
  });
});

describeWithRedis('the tell script', (cluster) => {
  it('puts a text where a node reads it, and makes no key for a node that is gone', async () => {
    const { runner, keys } = cluster();
    const a = await cluster().node('a');
    await cluster().node('b');
    expect(await tell(runner, a, 'b', 'hello', 1000)).toEqual({ is: 'OK', value: true });
    expect(await tell(runner, a, 'gone', 'hello', 1000)).toEqual({ is: 'OK', value: false });
    expect(await cluster().told('b')).toEqual(['hello']);
    expect(await cluster().mailbox('b')).toEqual([]);
    expect(await cluster().send('EXISTS', keys.told('gone'))).toBe(0);
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    expect(await tell(runner, { ...a, birth: 'other' }, 'a', 'x', 9)).toEqual({ is: 'REBORN' });
    expect(await tell(runner, { ...a, node: 'b' }, 'a', 'x', 9)).toEqual({ is: 'FENCED' });
  });
});
