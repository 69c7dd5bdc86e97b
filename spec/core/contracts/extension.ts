import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../../src/index.ts';
import type { Extension } from '../../../src/ports/session.ts';
import { FakeClient, serve } from '../../support/fake-client.ts';
import { exchange, socket } from '../../support/fake-conduit.ts';

/**
 * What every extension keeps to: it must not be felt by clients that know nothing of it. `settings` are those of a server that has it.
 */
export function extensionContract(
  name: string,
  make: () => Extension,
  settings: () => ServerSettings = () => ({ extensions: [make()] }),
): void {
  describe(`${name} extension`, () => {
    it('has a name, and hooks that are functions', () => {
      const extension = make();
      expect(extension.name).toMatch(/\S/);
      for (const hook of ['opened', 'incoming', 'publishing', 'outgoing', 'delivering'] as const) {
        expect(['function', 'undefined']).toContain(typeof extension[hook]);
      }
    });

    it('lets the life of a plain client go on as ever', async () => {
      const failed: unknown[] = [];
      const log = (event: { event: string; error?: unknown }) =>
        void (event.event === 'extension.failed' && failed.push(event.error));
      for (const conduitOf of [() => exchange(), () => socket()]) {
        const { server, clock } = serve({ ...settings(), log });
        const wire = conduitOf();
        const via = () => (wire.shape === 'socket' ? wire : conduitOf());
        const client = await FakeClient.connected(server, wire);
        expect((await client.subscribe(['/a', '/b/*'], via())).replies.at(-1)).toMatchObject({
          successful: true,
        });
        expect((await client.publish('/a', { x: 1 }, via())).replies.at(-1)).toMatchObject({
          successful: true,
        });
        const first = via();
        await client.connect({}, first);
        // Where events come with connect replies only, that one brought the client's own.
        const held = first.shape === 'exchange' && first.messages.length > 0 ? via() : first;
        if (held !== first) await client.connect({}, held);
        await server.publish('/b/c', 2);
        await client.flushed();
        await clock.tick(1000);
        expect(held.events.map(({ channel }) => channel)).toContain('/b/c');
        expect((await client.unsubscribe('/a', via())).replies.at(-1)).toMatchObject({ successful: true });
        expect((await client.disconnect(via())).replies.at(-1)).toMatchObject({ successful: true });
        expect([server.usage.sessions, server.usage.channelNodes, clock.pending]).toEqual([0, 0, 0]);
      }
      expect(failed).toEqual([]);
    });

    it('is harmed by nothing a client may put in its ext', async () => {
      const failed: unknown[] = [];
      const { server } = serve({
        ...settings(),
        log: ({ event, error }) => void (event === 'extension.failed' && failed.push(error)),
      });
      const { name: key } = make();
      for (const value of [null, 0, -1, 1.5, '', 'x', true, false, [], {}, { a: { b: [] } }, 1e308]) {
        const ext = { [key]: value };
        const client = await FakeClient.open(server, exchange(), { ext });
        for (const message of [
          client.message('/meta/connect', { ext }),
          client.message('/meta/subscribe', { subscription: '/a', ext }),
          client.message('/a', { data: null, ext }),
          client.message('/a', { data: value, ext }),
          client.message('/meta/disconnect', { ext }),
        ]) {
          const { replies } = await client.send(message);
          expect(replies).toHaveLength(1);
          expect(typeof replies[0]?.successful).toBe('boolean');
        }
      }
      expect(failed).toEqual([]);
    });

    it('keeps what it knows of a session in plain JSON', async () => {
      const { server } = serve(settings());
      const client = await FakeClient.connected(server, exchange(), { ext: { [make().name]: true } });
      const { attributes } = client.session;
      expect(JSON.parse(JSON.stringify(attributes))).toEqual(attributes);
    });
  });
}
