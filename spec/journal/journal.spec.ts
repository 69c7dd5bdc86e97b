import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/server.ts';
import { serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { journaled } from './journaled.ts';

const drop: ServerSettings = { maxQueue: 2, queueOverflow: 'dropOldest' };

describe('the journal', () => {
  it('is off by default', () => {
    const { server } = serve();
    expect(() => server.explain({ channel: '/a', user: 'ann' })).toThrow(
      'write new Server({ journal: true })',
    );
    expect(() => server.explainPublish(1)).toThrow('keeps no journal');
  });

  it.each([
    [{ channel: '/a/*', user: 'ann' }, 'is not the name of a channel'],
    [{ channel: '/a' }, 'about one session or one user'],
    [{ channel: '/a', user: 'ann', session: 'x' }, 'about one session or one user'],
  ])('refuses the question %j', (question, error) => {
    expect(() => journaled().server.explain(question)).toThrow(error);
  });

  it('gives a client the id of its publish if it asks for it', async () => {
    const { client, way } = journaled();
    const [ann, bob] = [await client('ann'), await client('bob')];
    await ann.subscribe('/a');
    const asked = bob.message('/a', { data: 1, ext: { publishId: true } });
    expect((await bob.send(asked)).reply.ext).toEqual({ publishId: 1 });
    expect((await bob.publish('/a', 2)).reply.ext).toBeUndefined();
    await ann.flushed();
    expect(way(1)).toEqual([
      `It was published just now by session ${bob.session.id} of user bob, and accepted.`,
      'It was for 1 session that subscribed to the channel.',
      'It was handed over to 1 session.',
      `For session ${ann.session.id} of user ann: handed over.`,
    ]);
  });

  it('tells what waits, and what was dropped by the queue', async () => {
    const { server, client, about, way } = journaled(drop);
    const ann = await client('ann', exchange());
    await ann.connect({ advice: { timeout: 0 } });
    await ann.subscribe('/a');
    const ids: (number | undefined)[] = [];
    for (const data of [1, 2, 3]) ids.push((await server.publish('/a', data)).publishId);
    expect(about('/a', ann)).toEqual(expect.arrayContaining(['dropped', 'subscribed', 'waits']));
    expect(way(ids[0])?.join()).toContain('dropped, since "maxQueue" or "maxQueueBytes" was reached');
    expect(way(ids[2])?.join()).toContain('it waits in the queue');
  });

  it.each([
    ['a session that disconnected', 'disconnect', 'session_ended_disconnect'],
    ['a session that was silent', 'silence', 'session_ended_timeout'],
    ['a session that the application ended', 'end', 'session_ended_disconnected'],
  ])('tells of %s', async (_what, how, code) => {
    const { client, about, clock } = journaled();
    const ann = await client('ann', exchange());
    await ann.connect({ advice: { timeout: 0 } });
    if (how === 'disconnect') await ann.send(ann.message('/meta/disconnect'));
    else if (how === 'end') ann.session.disconnect();
    else await clock.tick(60_000);
    expect(about('/a', ann)[0]).toBe(code);
  });

  it('tells of a refused publish, of an own one, and of one that came before', async () => {
    const { client, about } = journaled({ broadcastToPublisher: false });
    const [ann, bob] = [await client('ann'), await client('bob')];
    await ann.subscribe('/closed');
    await bob.publish('/closed', 1);
    expect(about('/closed', ann)).toContain('publish_refused');
    await ann.subscribe('/own');
    await ann.publish('/own', 1);
    expect(about('/own', ann)).toContain('own_publish');
  });

  it('tells when a session subscribed after the last publish, or unsubscribed', async () => {
    const { server, client, about, clock } = journaled();
    const ann = await client('ann');
    await server.publish('/a', 1);
    await clock.tick(1000);
    await ann.subscribe('/a');
    expect(about('/a', ann)).toContain('subscribed_later');
    await ann.send(ann.message('/meta/unsubscribe', { subscription: '/a' }));
    expect(about('/a', ann)).toContain('unsubscribed');
  });

  it('tells nothing that is older than maxAge', async () => {
    const { server, client, clock, codes, way } = journaled({ journal: { maxAge: 1000 } });
    const ann = await client('ann');
    ann.session.disconnect();
    const { publishId } = await server.publish('/a', 1);
    expect(codes('/a', ann.session.id)[0]).toBe('session_ended_disconnected');
    await clock.tick(1001);
    expect(codes('/a', ann.session.id)).toEqual(['never_here', 'nothing_published']);
    expect(way(publishId)).toBeUndefined();
  });
});
