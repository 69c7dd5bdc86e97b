import { expect, it } from 'vitest';
import { presence } from '../../../src/redis/scripts/presence.ts';
import { once } from '../../../src/redis/scripts/once.ts';
import { tell } from '../../../src/redis/scripts/tell.ts';
import { take } from '../../../src/redis/scripts/take.ts';
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

describeWithRedis('the presence script', (cluster) => {
  it('keeps the sessions of a user with their nodes, and the users of a node', async () => {
    const { runner, keys } = cluster();
    const a = await cluster().node('a');
    const b = await cluster().node('b');
    const here = (session: string) => ({ session, user: 'ann', isHere: true });
    const gone = (session: string) => ({ session, user: 'ann', isHere: false });
    expect(await presence(runner, a, 1, [here('s1'), here('s2')])).toEqual({ is: 'OK' });
    await presence(runner, b, 1, [here('s3')]);
    expect(await cluster().send('HGETALL', keys.user('ann'))).toEqual(['s1', 'a', 's2', 'a', 's3', 'b']);
    await presence(runner, a, 2, [gone('s1')]);
    expect(await cluster().send('SMEMBERS', `${keys.prefix}nu:a`)).toEqual(['ann']);
    await presence(runner, a, 3, [gone('s2')]);
    expect(await cluster().send('EXISTS', `${keys.prefix}nu:a`)).toBe(0);
    await presence(runner, b, 2, [gone('s3')]);
    expect(await cluster().send('EXISTS', keys.user('ann'), `${keys.prefix}nu:b`)).toBe(0);
  });

  it('does not carry out a call again, though it comes late', async () => {
    const { runner, keys } = cluster();
    const a = await cluster().node('a');
    const here = { session: 's1', user: 'ann', isHere: true };
    await presence(runner, a, 1, [here]);
    await presence(runner, a, 2, [{ ...here, isHere: false }]);
    expect(await presence(runner, a, 1, [here])).toEqual({ is: 'OK' });
    expect(await cluster().send('EXISTS', keys.user('ann'))).toBe(0);
    expect(await presence(runner, a, 4, [here])).toEqual({ is: 'ORDER', last: 2 });
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    expect(await presence(runner, { ...a, birth: 'other' }, 1, [])).toEqual({ is: 'REBORN' });
    expect(await presence(runner, { ...a, node: 'b' }, 1, [])).toEqual({ is: 'FENCED' });
  });
});

describeWithRedis('the take script', (cluster) => {
  it('gives as many tokens as the limit says in a window, and again in the next', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    const taken = () => take(runner, a, 'user ann', 2, 100);
    expect(await taken()).toEqual({ is: 'OK', value: true });
    expect(await taken()).toEqual({ is: 'OK', value: true });
    expect(await taken()).toEqual({ is: 'OK', value: false });
    await expect.poll(taken).toEqual({ is: 'OK', value: true });
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    expect(await take(runner, { ...a, birth: 'other' }, 'x', 2, 100)).toEqual({ is: 'REBORN' });
    expect(await take(runner, { ...a, node: 'b' }, 'x', 2, 100)).toEqual({ is: 'FENCED' });
  });
});

describeWithRedis('the once script', (cluster) => {
  it('keeps the first answer under a key, for a while', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    expect(await once(runner, a, 'k', 'first', 100)).toEqual({ is: 'OK', value: 'first' });
    expect(await once(runner, a, 'k', 'second', 100)).toEqual({ is: 'OK', value: 'first' });
    expect(await once(runner, a, 'other', 'second', 100)).toEqual({ is: 'OK', value: 'second' });
    await expect.poll(() => once(runner, a, 'k', 'third', 100)).toEqual({ is: 'OK', value: 'third' });
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    expect(await once(runner, { ...a, birth: 'other' }, 'k', '1', 100)).toEqual({ is: 'REBORN' });
    expect(await once(runner, { ...a, node: 'b' }, 'k', '1', 100)).toEqual({ is: 'FENCED' });
  });
});

describeWithRedis('the tell script', (cluster) => {
  it('puts a text into the mailbox of a node, and makes none for a node that is gone', async () => {
    const { runner, keys } = cluster();
    const a = await cluster().node('a');
    await cluster().node('b');
    expect(await tell(runner, a, 'b', 'hello', 1000)).toEqual({ is: 'OK', value: true });
    expect(await tell(runner, a, 'gone', 'hello', 1000)).toEqual({ is: 'OK', value: false });
    expect(await cluster().mailbox('b')).toEqual(['n 1 c hello']);
    expect(await cluster().send('EXISTS', keys.mailbox('gone'))).toBe(0);
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const { runner } = cluster();
    const a = await cluster().node('a');
    expect(await tell(runner, { ...a, birth: 'other' }, 'a', 'x', 9)).toEqual({ is: 'REBORN' });
    expect(await tell(runner, { ...a, node: 'b' }, 'a', 'x', 9)).toEqual({ is: 'FENCED' });
  });
});
