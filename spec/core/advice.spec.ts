import { describe, expect, it } from 'vitest';
import { Advisor } from '../../src/core/advice.ts';
import { resolveOptions } from '../../src/server-options.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';

const timing = { timeout: 7000, interval: 30, maxInterval: 15_000 };

describe('advice (§1.5)', () => {
  it.each([
    ['retry', { reconnect: 'retry', interval: 30, timeout: 7000 }],
    ['handshake', { reconnect: 'handshake', interval: 0, timeout: 7000 }],
    ['again', { reconnect: 'handshake', interval: 1000, timeout: 7000 }],
    ['later', { reconnect: 'retry', interval: 1000, timeout: 7000 }],
    ['none', { reconnect: 'none', interval: 0, timeout: 7000 }],
    ['heartbeat', { reconnect: 'retry', interval: 7000, timeout: 0 }],
  ] as const)('%s is %j', (kind, expected) => {
    expect(new Advisor(resolveOptions()).advise(kind, timing)).toEqual(expected);
  });

  it('tells maxInterval where the option is on (ADV-8)', () => {
    const advisor = new Advisor(resolveOptions({ advice: { maxInterval: true } }));
    expect(advisor.advise('retry', timing)).toMatchObject({ maxInterval: 15_000 });
    expect(advisor.advise('retry', { ...timing, maxInterval: Infinity })).not.toHaveProperty('maxInterval');
  });

  it('names other hosts where something failed (ADV-9)', () => {
    const advisor = new Advisor(resolveOptions({ hosts: ['https://b.example'] }));
    expect(advisor.advise('handshake', timing)).toMatchObject({ hosts: ['https://b.example'] });
    expect(advisor.advise('retry', timing)).not.toHaveProperty('hosts');
  });
});

/** Everything a server may be asked, so that every reply there is can be looked at. */
async function everyReply(): Promise<FakeConduit['replies'][number][]> {
  const { server, clock } = serve({
    policy: {
      canHandshake: ({ message }) => message.id !== 'denied',
      canPublish: ({ channel }) => {
        if (channel === '/bug') throw new Error('bug');
        return channel !== '/vip';
      },
    },
    multiSessionInterval: 0,
  });
  const conduits: FakeConduit[] = [];
  const noted = async (asked: Promise<FakeConduit>): Promise<FakeConduit> => {
    const conduit = await asked;
    conduits.push(conduit);
    return conduit;
  };
  const tab = () => exchange({ browser: 'b0123456' });
  for (const fields of [
    {},
    { version: '9' },
    { version: undefined },
    { minimumVersion: '3' },
    { id: 'denied' },
    { id: {} },
  ]) {
    await noted(ask(server, handshake(fields)));
  }
  await noted(ask(server, [handshake(), handshake(), { channel: '/meta/connect' }]));
  const [one, two] = [await FakeClient.connected(server, tab()), await FakeClient.connected(server, tab())];
  const wire = socket();
  await noted(one.connect({}, wire));
  await one.connect({}, wire);
  await noted(one.connect({}, tab()));
  await noted(two.connect({}, tab()));
  await noted(two.connect({ connectionType: 'flash' }, tab()));
  await noted(two.connect({ clientId: 'x' }, tab()));
  await noted(two.connect({ id: {} }, tab()));
  for (const channel of ['/a', '/vip', '/bug', '/meta/x', '/meta/subscribe', '/meta/unsubscribe', '/a/*']) {
    await noted(two.send(two.message(channel, { data: 1, subscription: '/a' })));
    await noted(two.send(two.message(channel, { data: 1, clientId: 'x' })));
  }
  await clock.tick(30_000);
  const [again] = [await FakeClient.connected(server)];
  await noted(again.connect());
  again.session.disconnect();
  await noted(one.disconnect());
  await noted(one.disconnect());
  return conduits.flatMap(({ replies }) => replies);
}

describe('every reply (MSG-5 to MSG-7)', () => {
  it('carries complete advice exactly if it is to a handshake or a connect (ADV-1, ADV-2)', async () => {
    const replies = await everyReply();
    expect(replies.length).toBeGreaterThan(30);
    for (const reply of replies) {
      const advised = reply.channel === '/meta/handshake' || reply.channel === '/meta/connect';
      const complete = {
        reconnect: expect.any(String),
        interval: expect.any(Number),
        timeout: expect.any(Number),
      };
      expect([reply, reply.advice]).toEqual([reply, advised ? expect.objectContaining(complete) : undefined]);
    }
  });

  it('never sends a client into a loop (ADV-3 to ADV-5)', async () => {
    for (const { channel, successful, error, advice } of await everyReply()) {
      if (advice === undefined) continue;
      const { reconnect, interval } = advice as { reconnect: string; interval: number };
      const name = `${channel} ${successful} ${error}`;
      if (successful === true) expect([name, reconnect]).not.toEqual([name, 'handshake']);
      if (successful === false && channel === '/meta/handshake')
        expect([name, reconnect]).not.toEqual([name, 'retry']);
      const plain = /^(402|409|400::handshake_not_alone)/.test(String(error));
      if (successful === false && reconnect !== 'none' && !(plain && channel === '/meta/connect')) {
        expect([name, interval]).toEqual([name, 1000]);
      }
    }
  });

  it('says whether it succeeded, and why not in a text Faye can read (ERR-1)', async () => {
    for (const reply of await everyReply()) {
      expect(typeof reply.successful).toBe('boolean');
      expect('error' in reply).toBe(reply.successful === false);
      if (reply.successful === false) expect(reply.error).toMatch(/^\d{3}:[^:]*:[a-z_]+$/);
      expect(reply).not.toHaveProperty('data');
      expect(reply.successful === false && 'clientId' in reply).toBe(false);
    }
  });
});
