import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import { errors } from '../../src/protocol/errors.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';
import { settle } from '../support/until.ts';

describe('an extension', () => {
  it('sees the kinds it names, and their replies; of a session too', async () => {
    const seen: string[] = [];
    const watch = (name: string, ...kinds: NonNullable<Extension['kinds']>): Extension => ({
      name,
      kinds,
      incoming: (request) => {
        seen.push(`${name} > ${request.kind}`);
        return request;
      },
      outgoing: (reply, _session, { kind }) => {
        seen.push(`${name} < ${kind}`);
        return reply;
      },
    });
    const { server } = serve({ extensions: [watch('all', 'connect', 'subscribe', 'invalid')] });
    const client = await FakeClient.open(server);
    client.session.extend(watch('own', 'publish', 'subscribe'));
    await client.connect();
    await client.subscribe('/a');
    await client.publish('/a', 1);
    await ask(server, { id: {}, channel: '/a' });
    expect(seen).toEqual([
      ...['all > connect', 'all < connect'],
      ...['all > subscribe', 'own > subscribe', 'own < subscribe', 'all < subscribe'],
      ...['own > publish', 'own < publish'],
      'all < invalid',
    ]);
  });

  it('is told of what is heard once, before anybody is, and only where somebody listens', async () => {
    const seen: string[] = [];
    const hearing: Extension['toApplication'] = (message) => {
      seen.push('hearing');
      return { ...message, data: 'changed' };
    };
    const { server } = serve({ extensions: [{ name: 'ear', toApplication: hearing }] });
    const client = await FakeClient.connected(server);
    await client.publish('/a', 1);
    for (const pattern of ['/a', '/*'])
      server.subscribe(pattern, ({ data }) => seen.push(`${pattern} ${data}`));
    await client.subscribe('/a');
    const { data } = await client.publish('/a', 1);
    expect([seen[0], ...seen.slice(1).sort()]).toEqual(['hearing', '/* changed', '/a changed']);
    expect(data).toEqual([1]);
  });

  it('may refuse what is heard: then nobody gets it', async () => {
    const heard: unknown[] = [];
    const hearing = () => {
      throw errors.rateLimited();
    };
    const { server } = serve({ extensions: [{ name: 'ear', toApplication: hearing }] });
    server.subscribe('/a', (message) => heard.push(message));
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const { messages } = await client.publish('/a', 1);
    expect(messages).toMatchObject([{ successful: false, error: '429::rate_limited' }]);
    expect(heard).toEqual([]);
  });

  it('that fails while hearing or saying is logged, and all goes on (PR-8)', async () => {
    const logged: unknown[] = [];
    const bug = () => {
      throw new Error('bug');
    };
    const { server } = serve({
      extensions: [{ name: 'buggy', toApplication: bug, fromApplication: bug }],
      log: ({ event, extension }) => void logged.push([event, extension]),
    });
    const heard: unknown[] = [];
    server.subscribe('/a', ({ data }) => heard.push(data));
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    logged.length = 0;
    await server.publish('/a', 1);
    expect((await client.publish('/a', 2)).data).toEqual([1, 2]);
    expect(heard).toEqual([2]);
    expect(logged).toEqual([
      ['extension.failed', 'buggy'],
      ['extension.failed', 'buggy'],
    ]);
  });
});

describe('an extension around the work', () => {
  /** Notes which work begins and ends, with its outcome. */
  const noting = (seen: unknown[], name = 'notes', kinds?: Extension['kinds']): Extension => ({
    name,
    ...(kinds && { kinds }),
    async around({ request, arrival, pattern }, next) {
      seen.push([name, request.kind, request.channel, pattern, arrival?.session !== undefined]);
      await next();
      seen.push([name, 'done']);
    },
  });
  const channels = { '/a/**': { lazy: true }, '/a/*': {} };

  it('surrounds requests of its kinds, and what the application publishes, in the order of the extensions', async () => {
    const seen: unknown[] = [];
    const { server } = serve({
      channels,
      extensions: [noting(seen, 'one', ['publish']), noting(seen, 'two', ['publish', 'handshake'])],
    });
    const client = await FakeClient.connected(server);
    await client.publish('/a/b', 1);
    await server.publish('/other', 1);
    await server.publishAll([{ channel: '/a/b/c', data: 1 }]);
    expect(seen).toEqual([
      ...[
        ['two', 'handshake', '/meta/handshake', undefined, false],
        ['two', 'done'],
      ],
      ...[
        ['one', 'publish', '/a/b', '/a/*', true],
        ['two', 'publish', '/a/b', '/a/*', true],
      ],
      ...[
        ['two', 'done'],
        ['one', 'done'],
      ],
      ...[
        ['one', 'publish', '/other', undefined, false],
        ['two', 'publish', '/other', undefined, false],
      ],
      ...[
        ['two', 'done'],
        ['one', 'done'],
      ],
      ...[
        ['one', 'publish', '/a/b/c', '/a/**', false],
        ['two', 'publish', '/a/b/c', '/a/**', false],
      ],
      ...[
        ['two', 'done'],
        ['one', 'done'],
      ],
    ]);
  });

  it('gives its storage to the policy, the listeners and the other extensions, each publish its own', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const see = (who: string) => void seen.push([who, storage.getStore()]);
    const { server } = serve({
      policy: {
        async canPublish() {
          await settle();
          see('policy');
          return true;
        },
      },
      extensions: [
        {
          name: 'storage',
          kinds: ['publish'],
          around: ({ request }, next) => storage.run(request.channel, next),
          incoming(request) {
            see('incoming');
            return request;
          },
          async publishing(event) {
            await settle();
            see('publishing');
            return event;
          },
        },
      ],
    });
    server.subscribe('/**', () => see('listener'));
    const client = await FakeClient.connected(server);
    await client.publish('/a', 1);
    await server.publishAll([
      { channel: '/b', data: 1 },
      { channel: '/c', data: 1 },
    ]);
    expect(seen).toEqual([
      ...[
        ['incoming', '/a'],
        ['policy', '/a'],
        ['listener', '/a'],
        ['publishing', '/a'],
      ],
      ...[
        ['publishing', '/b'],
        ['publishing', '/c'],
      ],
    ]);
    expect(storage.getStore()).toBeUndefined();
  });

  it('learns how it fails: a refusal of the policy, and of any event of several', async () => {
    const seen: unknown[] = [];
    const { server } = serve({
      policy: { canPublish: () => false },
      extensions: [
        {
          name: 'watches',
          kinds: ['publish'],
          async around({ request: { channel } }, next) {
            try {
              seen.push([channel, await next()]);
            } catch (error) {
              seen.push([channel, String(error)]);
            }
          },
          publishing: (event) => (event.channel === '/no' ? undefined : event),
        },
      ],
    });
    const client = await FakeClient.connected(server);
    await client.publish('/a', 1);
    const events = ['/b', '/no', '/c'].map((channel) => ({ channel, data: 1 }));
    await expect(server.publishAll(events)).rejects.toThrow('404::message_deleted');
    expect(seen).toEqual([
      ['/a', 'BayeuxError: 403:/a:publish_denied'],
      ...events.map(({ channel }) => [channel, 'BayeuxError: 404::message_deleted']),
    ]);
  });

  it('cannot change the outcome: what fails in it is logged, and the work is done once', async () => {
    const bug = () => {
      throw new Error('bug');
    };
    const arounds: Record<string, NonNullable<Extension['around']>> = {
      throws: bug,
      rejects: async () => bug(),
      forgets: () => {},
      late: async (_work, next) => {
        await settle();
        return next();
      },
      twice: (_work, next) => [next(), next()],
      'throws afterwards': (_work, next) => [next(), bug()],
    };
    for (const [name, around] of Object.entries(arounds)) {
      const logged: unknown[] = [];
      const { server } = serve({
        extensions: [{ name, kinds: ['publish'], around }],
        log: ({ event, hook, error }) => void logged.push([event, hook, String(error)]),
      });
      const client = await FakeClient.connected(server);
      await client.subscribe('/a');
      logged.length = 0;
      expect((await client.publish('/a', 1)).data).toEqual([1]);
      await settle();
      const early = ['extension.failed', 'around', 'UsageError: around must call next before it returns'];
      const failed = ['extension.failed', 'around', 'Error: bug'];
      expect(logged, name).toEqual(
        {
          throws: [failed, early],
          rejects: [early, failed],
          forgets: [early],
          late: [early],
          twice: [],
          'throws afterwards': [failed],
        }[name],
      );
    }
  });
});
