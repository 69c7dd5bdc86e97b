import { describe, expect, it } from 'vitest';
import type { Policy } from '../../../src/ports/policy.ts';
import { ask, FakeClient, handshake, serve } from '../../support/fake-client.ts';

/** What every policy keeps to: it answers whatever it is asked, with an answer that can be used. */
export function policyContract(name: string, make: () => Policy | undefined): void {
  describe(`${name} policy`, () => {
    async function failures(
      run: (server: ReturnType<typeof serve>['server']) => Promise<void>,
    ): Promise<unknown[]> {
      const failed: unknown[] = [];
      const log = ({ event, error }: { event: string; error?: unknown }) =>
        void (/^(request|policy)\.failed$/.test(event) && failed.push(error));
      const policy = make();
      await run(serve({ ...(policy && { policy }), log, unconnectedPublish: 'allow' }).server);
      return failed;
    }

    it('judges any handshake, and says yes or no', async () => {
      const strange = [
        {},
        { ext: {} },
        { ext: { token: 7, auth: null } },
        { user: [] },
        { 'com.acme': { a: 1 } },
      ];
      const failed = await failures(async (server) => {
        for (const fields of strange) {
          const { reply } = await ask(server, handshake(fields));
          expect(typeof reply.successful).toBe('boolean');
          if (reply.successful === false) expect(reply.error).toMatch(/^\d{3}:/);
        }
      });
      expect(failed).toEqual([]);
    });

    it('judges publishes without a session', async () => {
      const failed = await failures(async (server) => {
        for (const channel of ['/a', '/service/x', '/__proto__', '/constructor']) {
          const { reply } = await ask(server, { channel, data: null, ext: { token: {} } });
          expect(typeof reply.successful).toBe('boolean');
        }
      });
      expect(failed).toEqual([]);
    });

    it('judges names and patterns of whoever it let in', async () => {
      const failed = await failures(async (server) => {
        const { reply } = await ask(server, handshake());
        if (reply.successful !== true) return;
        const client = await FakeClient.open(server);
        for (const pattern of ['/a', '/**', '/*', '/a/*', '/service/**', '/__proto__']) {
          expect(typeof (await client.subscribe(pattern)).reply.successful).toBe('boolean');
        }
        for (const channel of ['/a', '/service/x', '/constructor']) {
          expect(typeof (await client.publish(channel, null)).replies[0]?.successful).toBe('boolean');
        }
      });
      expect(failed).toEqual([]);
    });
  });
}
