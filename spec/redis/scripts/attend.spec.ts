import { expect, it } from 'vitest';
import { attend, type AttendChange } from '../../../src/redis/scripts/attend.ts';
import { readRoster } from '../../../src/redis/scripts/read-roster.ts';
import type { Caller } from '../../../src/redis/scripts/script.ts';
import { sweep } from '../../../src/redis/scripts/sweep.ts';
import { describeWithRedis } from '../cluster.ts';
import { place } from '../place.ts';

describeWithRedis('the attend script', (cluster) => {
  const call = (caller: Caller, number: number, ...changes: AttendChange[]) =>
    attend(cluster().runner, caller, number, changes, 1000);
  const gone = (roster: string, id: string, session: string): AttendChange => ({
    is: 'gone',
    roster,
    id,
    session,
  });
  const lingering = (roster: string, id: string, session: string): AttendChange => ({
    ...{ is: 'lingering', roster, id, session, inPlaceOf: '', since: 1, info: '' },
  });
  const read = async (name = '/r') => {
    const { seq, total, users } = await readRoster(cluster().runner, 'a', name);
    return { seq, total, users: users.map(({ id, sessions }) => `${id} ${sessions}`) };
  };
  /** The changes in a mailbox: `1 join ann 1 of 1`. */
  const changes = async (node: string) => {
    const entries = await cluster().mailbox(node);
    return entries.flatMap((entry) =>
      entry
        .split(' a ')
        .slice(1)
        .map((text) => {
          const { change } = JSON.parse(text);
          return `${change.seq} ${change.type} ${change.user.id} ${change.user.sessions} of ${change.total}`;
        }),
    );
  };
  const keysLeft = async () => {
    const { send, keys } = cluster();
    const all = await send.call(cluster(), 'KEYS', `${keys.prefix.replace(/[{}]/g, '?')}*`);
    return Array.isArray(all) ? all.map((key: string) => key.slice(keys.prefix.length)).toSorted() : all;
  };

  it('keeps one entry a user, and tells all nodes that watch of each change, in one order', async () => {
    const a = await cluster().node('a', '~/r');
    const b = await cluster().node('b', '~/r', '~/other');
    await cluster().node('c');
    const info = '{"name":"An\\u0000n","tags":[],"size":12345678901234567}';
    await call(a, 1, place('/r', 'ann', 's1', { info }), place('/r', 'bob', 's2'));
    await call(b, 1, place('/r', 'ann', 's3', { info, since: 5 }));
    await call(a, 2, gone('/r', 'ann', 's1'), place('/r', 'bob', 's2', { info: '{}' }));
    await call(b, 2, gone('/r', 'ann', 's3'), gone('/r', 'nobody', 's9'));
    const told = [
      '1 join ann 1 of 1',
      '2 join bob 1 of 2',
      '3 update ann 2 of 2',
      '4 update ann 1 of 2',
      '5 update bob 1 of 2',
      '6 leave ann 0 of 1',
    ];
    expect(await changes('a')).toEqual(told);
    expect(await changes('b')).toEqual(told);
    expect(await changes('c')).toEqual([]);
    expect(await read()).toEqual({ seq: 6, total: 1, users: ['bob 1'] });
    expect((await cluster().mailbox('a'))[0]).toContain(info);
  });

  it('gives the users in the order in which they came, with what others see of them', async () => {
    const a = await cluster().node('a');
    const ids = Array.from({ length: 20 }, (_, at) => `u${(at * 7) % 20}`);
    const [odd = '', ...rest] = ['a b\nc,"d" ', ...ids];
    await call(
      a,
      1,
      ...rest.map((id) => place('/r', id, `s${id}`)),
      place('/r', odd, 'x', { info: '{"a":1}' }),
    );
    await call(a, 2, place('/r', 'u0', 'again'));
    const { users, isWatched } = await readRoster(cluster().runner, 'a', '/r');
    expect(users.map(({ id }) => id)).toEqual([...rest, odd]);
    expect(users.at(-1)).toEqual({ id: odd, info: { a: 1 }, since: 1, sessions: 1 });
    expect(isWatched).toBe(false);
    expect(await readRoster(cluster().runner, 'a', '/r', false)).toMatchObject({ total: 21, users: [] });
    expect(await readRoster(cluster().runner, 'a', '/none', false)).toMatchObject({ seq: 0, total: 0 });
  });

  it('gives a session the place of another: the one it names, else the first that lingers, on any node', async () => {
    const a = await cluster().node('a', '~/r');
    const b = await cluster().node('b');
    await call(a, 1, place('/r', 'ann', 's1'), place('/r', 'ann', 's2'), place('/r', 'ann', 's3'));
    await call(a, 2, lingering('/r', 'ann', 's1'), lingering('/r', 'ann', 's2'));
    await call(b, 1, place('/r', 'ann', 's4'));
    await call(a, 3, gone('/r', 'ann', 's1'));
    await call(a, 4, place('/r', 'ann', 's5', { inPlaceOf: 's2' }));
    await call(a, 5, place('/r', 'ann', 's3', { inPlaceOf: 's9' }));
    await call(a, 6, lingering('/r', 'ann', 's3'), place('/r', 'ann', 's3'), place('/r', 'ann', 's6'));
    expect(await changes('a')).toEqual([
      '1 join ann 1 of 1',
      '2 update ann 2 of 1',
      '3 update ann 3 of 1',
      '4 update ann 4 of 1',
    ]);
    const sessions = await cluster().send('HKEYS', `${cluster().keys.prefix}rs:/r`);
    expect(Array.isArray(sessions) ? sessions.toSorted() : sessions).toEqual(
      ['s3 ann', 's4 ann', 's5 ann', 's6 ann'].toSorted(),
    );
  });

  it('lists a session that has gone already only if its user is not listed', async () => {
    const a = await cluster().node('a');
    await call(a, 1, lingering('/r', 'ann', 's1'));
    expect(await read()).toEqual({ seq: 1, total: 1, users: ['ann 1'] });
    await call(a, 2, lingering('/r', 'ann', 's2'));
    expect(await read()).toEqual({ seq: 1, total: 1, users: ['ann 1'] });
    await call(a, 3, place('/r', 'ann', 's3'));
    expect(await read()).toEqual({ seq: 1, total: 1, users: ['ann 1'] });
  });

  it('lets a session go only for the node that has it', async () => {
    const a = await cluster().node('a');
    const b = await cluster().node('b');
    await call(a, 1, place('/r', 'ann', 's1'));
    await call(b, 1, place('/r', 'ann', 's1'));
    await call(a, 2, gone('/r', 'ann', 's1'));
    expect(await read()).toEqual({ seq: 1, total: 1, users: ['ann 1'] });
    await call(b, 2, gone('/r', 'ann', 's1'));
    expect(await read()).toEqual({ seq: 0, total: 0, users: [] });
  });

  it('goes on with the numbers while a node watches, and leaves no key when none does', async () => {
    const a = await cluster().node('a', '~/r');
    await call(a, 1, place('/r', 'ann', 's1'), gone('/r', 'ann', 's1'));
    expect(await read()).toEqual({ seq: 2, total: 0, users: [] });
    await cluster().interest(a, 2, [], ['~/r']);
    expect(await keysLeft()).toEqual(['c', 'in:a', 'meta', 'n:a', 'nodes']);
    await call(a, 2, place('/r', 'ann', 's1'));
    await cluster().interest(a, 3, ['~/r']);
    await cluster().interest(a, 4, [], ['~/r']);
    expect(await read()).toEqual({ seq: 1, total: 1, users: ['ann 1'] });
    await call(a, 3, gone('/r', 'ann', 's1'));
    expect(await keysLeft()).toEqual(['c', 'in:a', 'meta', 'n:a', 'nodes']);
  });

  it('takes out, in pages, the places that a node does not tell anew', async () => {
    const a = await cluster().node('a', '~/r');
    const b = await cluster().node('b');
    const ids = Array.from({ length: 700 }, (_, at) => `u${at}`);
    for (const [page, number] of [[ids.slice(0, 400), 1] as const, [ids.slice(400), 2] as const])
      await call(a, number, ...page.map((id) => place('/r', id, `s${id}`)));
    await call(b, 1, place('/r', 'bob', 's1'));
    await call(a, 3, { is: 'begin' }, place('/r', 'u5', 'su5'), place('/r', 'new', 's2'));
    const answers = [];
    for (let number = 4; number < 7; number += 1) {
      const outcome = await call(a, number, { is: 'end' });
      answers.push(outcome.is === 'OK' && outcome.value.hasMore);
    }
    expect(answers).toEqual([true, false, false]);
    const { users, total, seq } = await read();
    expect([users, total, seq]).toEqual([['u5 1', 'bob 1', 'new 1'], 3, 702 + 699]);
    expect(await changes('a')).toHaveLength(702 + 699);
  });

  it('answers with the last changes of the rosters that are watched', async () => {
    const a = await cluster().node('a', '~/r');
    const outcome = await call(
      a,
      1,
      place('/r', 'ann', 's1'),
      place('/q', 'ann', 's1'),
      place('/r', 'bob', 's2'),
    );
    expect(outcome).toEqual({ is: 'OK', value: { hasMore: false, reached: new Map([['/r', 2]]) } });
  });

  it('does not carry out a call again, though it comes late', async () => {
    const a = await cluster().node('a');
    await call(a, 1, place('/r', 'ann', 's1'));
    await call(a, 2, gone('/r', 'ann', 's1'));
    expect(await call(a, 1, place('/r', 'ann', 's1'))).toEqual({
      is: 'OK',
      value: { hasMore: true, reached: new Map() },
    });
    expect(await read()).toEqual({ seq: 0, total: 0, users: [] });
    expect(await call(a, 4, place('/r', 'ann', 's1'))).toEqual({ is: 'ORDER', last: 2 });
  });

  it('refuses a node without a lease, and one that knows other data', async () => {
    const a = await cluster().node('a');
    expect(await call({ ...a, birth: 'other' }, 1)).toEqual({ is: 'REBORN' });
    expect(await call({ ...a, node: 'b' }, 1)).toEqual({ is: 'FENCED' });
  });

  it('is undone by the sweep: those who watch are told, and nothing of a dead node is left', async () => {
    const a = await cluster().node('a', '~/r');
    const dead = await cluster().node('dead', '~/r', '~/q');
    await call(a, 1, place('/r', 'ann', 's1'));
    await call(dead, 1, place('/r', 'ann', 's2'), place('/r', 'bob', 's3'), place('/q', 'bob', 's3'));
    await call(dead, 2, { is: 'begin' }, place('/r', 'bob', 's3'));
    await cluster().send('DEL', `${cluster().keys.prefix}n:dead`);
    for (let done = false; !done; ) {
      const outcome = await sweep(cluster().runner, a, 'dead', { page: 1 });
      done = outcome.is === 'OK' && outcome.value === 'done';
    }
    expect((await changes('a')).slice(3).toSorted()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\d update ann 1 of [12]$/),
        expect.stringMatching(/^\d leave bob 0 of 1$/),
      ]),
    );
    expect(await read()).toEqual({ seq: 5, total: 1, users: ['ann 1'] });
    expect(await keysLeft()).toEqual(
      ['c', 'g:dead', 'i:~/r', 'in:a', 'meta', 'n:a', 'ni:a', 'nodes', 'nr:a', 'r:/r', 'rs:/r'].toSorted(),
    );
  });
});
