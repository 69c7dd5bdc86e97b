import { describe, expect, it } from 'vitest';
import type { Log } from '../../../src/lib/log.ts';
import { FakeClient, serve } from '../../support/fake-client.ts';

/** What every log keeps to: whatever is said to it, it never throws, and nothing waits for it. */
export function logContract(name: string, make: () => Log): void {
  describe(`${name} log`, () => {
    it('takes events of every level, with anything in them', () => {
      const log = make();
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      for (const level of ['debug', 'info', 'warn', 'error'] as const) {
        for (const value of [
          undefined,
          null,
          1,
          'a\nb\u0000',
          circular,
          new Error('x', { cause: new Error('y') }),
          () => 1,
        ]) {
          expect(log({ level, event: 'some.thing', value, error: value })).toBeUndefined();
        }
      }
    });

    it('serves a server', async () => {
      const { server } = serve({
        log: make(),
        policy: { canPublish: () => Promise.reject(new Error('bug')) },
      });
      const client = await FakeClient.connected(server);
      expect((await client.publish('/a', 1)).reply).toMatchObject({ error: '500::server_error' });
    });
  });
}
