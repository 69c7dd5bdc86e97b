import { describe, expect, it } from 'vitest';
import type { Engine, Publication } from '../../../src/ports/engine.ts';
import { OutgoingEvent } from '../../../src/ports/outgoing-event.ts';
import { until } from '../../support/until.ts';

const publication = (data: unknown, from?: string): Publication => ({
  event: new OutgoingEvent({ channel: '/chat/news', data }),
  ...(from !== undefined && { from, notToPublisher: true }),
});

/** What every engine keeps to. `make` gives one that is not open yet. */
export function engineContract(name: string, make: () => Engine): void {
  describe(`${name} engine`, () => {
    async function opened(): Promise<{ engine: Engine; got: Publication[] }> {
      const engine = make();
      const got: Publication[] = [];
      await engine.open((one) => void got.push(one));
      return { engine, got };
    }

    it('delivers on the node that publishes, exactly once, before publish returns or resolves', async () => {
      const { engine, got } = await opened();
      await engine.publish(publication(1, 'someone'));
      expect(got.map(({ event, from, notToPublisher }) => [event.json, from, notToPublisher])).toEqual([
        ['{"channel":"/chat/news","data":1}', 'someone', true],
      ]);
      await engine.publish(publication(2));
      expect(got.map(({ event, from }) => [event.message.data, from])).toEqual([
        [1, 'someone'],
        [2, undefined],
      ]);
      await engine.close();
    });

    it('keeps the order of one publisher', async () => {
      const { engine, got } = await opened();
      const all = Array.from({ length: 200 }, (_, at) => at);
      await Promise.all(all.map((at) => engine.publish(publication(at))));
      await until(() => got.length === all.length);
      expect(got.map(({ event }) => event.message.data)).toEqual(all);
      await engine.close();
    });

    it('hands the same event on, so that its text is made once', async () => {
      const { engine, got } = await opened();
      const one = publication(1);
      await engine.publish(one);
      expect(got[0]?.event).toBe(one.event);
      await engine.close();
    });

    it('takes and forgets what a node wants to hear, in any order', async () => {
      const { engine } = await opened();
      await engine.interest('/a/**', false);
      await engine.interest('/a/**', true);
      await engine.interest('/a/**', true);
      await engine.interest('/a/**', false);
      await engine.close();
    });

    it('delivers nothing once it is closed', async () => {
      const { engine, got } = await opened();
      await engine.close();
      await Promise.resolve(engine.publish(publication(1))).catch(() => {});
      expect(got).toEqual([]);
    });
  });
}
