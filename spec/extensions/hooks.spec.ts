import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import { errors } from '../../src/protocol/errors.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';

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
