import { describe, expect, it } from 'vitest';
import type { FakeClient } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { journaled } from './journaled.ts';

const OFFER = '/private/offer';
const DIRECT = '/service/direct';

async function atRest(client: FakeClient): Promise<FakeClient> {
  await client.connect({ advice: { timeout: 0 } });
  return client;
}

describe('the journal, of events for sessions by name', () => {
  it.each(['user', 'group', 'session'] as const)('follows deliver of a %s', async (to) => {
    const { server, client, about, way } = journaled();
    const [ann, eve] = [await client('ann'), await client('eve')];
    await server.group('all').add('ann');
    if (to === 'user') await server.user('ann').deliver(OFFER, 1);
    else if (to === 'group') await server.group('all').deliver(OFFER, 1);
    else ann.session.deliver(OFFER, 1);
    await ann.flushed();
    expect(about(OFFER, ann)).toEqual(['named', 'last_handed_over', 'published']);
    expect(about(OFFER, eve)).toEqual(['sent_to_others']);
    expect(way(1)).toEqual([
      'It was sent to its receivers by name just now.',
      'It was for 1 session that it named.',
      'It was handed over to 1 session.',
      `For session ${ann.session.id} of user ann: handed over.`,
    ]);
  });

  it('tells what waits, in the singular and the plural', async () => {
    const { server, client, told } = journaled();
    const ann = await atRest(await client('ann', exchange()));
    await server.user('ann').deliver(OFFER, 1);
    expect(told(OFFER, ann)).toContain('1 event of the channel waits for it.');
    await server.user('ann').deliver(OFFER, 2);
    expect(told(OFFER, ann)).toContain('2 events of the channel wait for it.');
  });

  it('tells of one that nobody was there for', async () => {
    const { server, client, about, codes, way } = journaled();
    const eve = await client('eve');
    await server.user('ann').deliver(OFFER, 1);
    expect(about(OFFER, eve)).toEqual(['sent_to_nobody']);
    expect(codes(OFFER, 'none')).toEqual(['never_here', 'sent_to_nobody']);
    expect(way(1)).toContain('Its receivers had no session at that time, or the policy denied it.');
  });

  it('tells a volatile event that was dropped', async () => {
    const { server, client, about, way } = journaled();
    const ann = await atRest(await client('ann', exchange()));
    await server.user('ann').deliver(OFFER, 1, { volatile: true });
    expect(about(OFFER, ann)).toEqual(['dropped', 'named', 'state_idle', 'published']);
    expect(way(1)?.join()).toContain('dropped, since the event is volatile');
    await ann.subscribe('/a');
    const { publishId } = await server.publish('/a', 1, { volatile: true });
    expect(about('/a', ann)[0]).toBe('dropped');
    expect(way(publishId)?.join()).toContain('dropped, since the event is volatile');
  });

  it('looks for those that name the session among many that name others', async () => {
    const { server, client, about } = journaled();
    const [ann, eve] = [await client('ann'), await client('eve')];
    await server.user('ann').deliver(OFFER, 1);
    for (let at = 0; at < 100; at += 1) await server.user('eve').deliver(OFFER, at);
    await eve.flushed();
    expect(about(OFFER, ann)).toEqual(['named', 'last_handed_over', 'published']);
  });

  it('follows addressed messages of clients, and says how a service channel is addressed', async () => {
    const { client, about } = journaled({ channels: { [DIRECT]: { addressed: true } } });
    const [ann, bob, eve] = [await client('ann'), await client('bob'), await client('eve')];
    expect(about(DIRECT, bob)).toEqual(['service_channel']);
    await ann.publish(DIRECT, { receivers: ['bob'], payload: 'hi' });
    expect(about(DIRECT, bob)).toEqual(['named', 'last_handed_over', 'published']);
    expect(about(DIRECT, eve)).toEqual(['sent_to_others']);
    await ann.publish(DIRECT, { payload: 'to nobody' });
    expect(about(DIRECT, eve)).toEqual(['publish_refused', 'sent_to_others']);
  });

  it('tells of a message that was kept for an offline user, and brought', async () => {
    const { client, about } = journaled({ channels: { [DIRECT]: { addressed: { ttl: 60_000 } } } });
    const ann = await client('ann');
    await ann.publish(DIRECT, { receivers: ['bob'], payload: 'hi' });
    const bob = await client('bob');
    await bob.flushed();
    expect(about(DIRECT, bob)).toEqual(['named', 'brought']);
  });
});

describe('the journal, of presence', () => {
  it('follows what viewers are told, and asks others to subscribe', async () => {
    const { client, about } = journaled({ channels: { '/room': { presence: true } } });
    const [ann, bob] = [await client('ann'), await client('bob')];
    await ann.subscribe('/presence/room');
    await bob.subscribe('/room');
    await ann.flushed();
    expect(about('/presence/room', ann)).toEqual(['subscribed', 'last_handed_over', 'published']);
    expect(about('/presence/room', bob)[0]).toBe('not_subscribed');
    await bob.subscribe('/presence/other');
    expect(about('/presence/other', bob)[0]).toBe('subscribe_refused');
  });

  it('counts the receivers of a list that several viewers share', async () => {
    const { client, way } = journaled({ channels: { '/room': { presence: true } } });
    const viewers = [await client('ann'), await client('bob'), await client('cal')];
    for (const viewer of viewers) await viewer.subscribe('/presence/room');
    await viewers[0]?.flushed();
    expect(way(1)).toContain('It was for 3 sessions that it named.');
    expect(way(1)).toContain('It was handed over to 3 sessions.');
  });
});

describe('the journal, of a durable channel', () => {
  it('takes a replay for what a session missed', async () => {
    const { server, client, about, way, clock } = journaled({ channels: { '/a': { history: true } } });
    const [ann, bob] = [await client('ann'), await client('bob')];
    const { publishId } = await server.publish('/a', 1);
    await clock.tick(1000);
    await bob.subscribe('/a');
    expect(about('/a', bob)).toEqual(['subscribed_later', 'subscribed', 'published']);
    await ann.send(ann.message('/meta/subscribe', { subscription: '/a', ext: { replay: { '/a': -2 } } }));
    await expect.poll(() => about('/a', ann)).toContain('brought');
    expect(about('/a', ann)).toEqual(['subscribed', 'brought', 'subscribed_later', 'published']);
    expect(way(publishId)).toContain(
      'It was stored: a client that asks for the history of the channel gets it later.',
    );
    await server.publish('/a', 2);
    await ann.flushed();
    expect(about('/a', ann)).toEqual(['subscribed', 'brought', 'last_handed_over', 'published']);
  });
});
