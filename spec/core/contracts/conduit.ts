import { describe, expect, it } from 'vitest';
import type { Conduit } from '../../../src/ports/conduit.ts';
import { type Outgoing, OutgoingReply } from '../../../src/protocol/outgoing.ts';
import { OutgoingEvent } from '../../../src/ports/outgoing-event.ts';
import { until } from '../../support/until.ts';

/** A conduit of the kind under test, with a peer at its other end. */
export interface ConduitUnderTest {
  readonly conduit: Conduit;
  /** The batches that the peer has read so far. */
  received(): readonly (readonly { readonly [key: string]: unknown }[])[];
  /** The peer hangs up. */
  hangUp(): void;
}

const batchOf = (...data: unknown[]): Outgoing[] =>
  data.map((one) => new OutgoingEvent({ channel: '/a', data: one }));

/** What every conduit keeps to. `make` gives one that is open. */
export function conduitContract(name: string, make: () => Promise<ConduitUnderTest>): void {
  describe(`${name} conduit`, () => {
    /** Sends and notes what became of it. */
    const sender = (conduit: Conduit) => {
      const settled: [unknown[], boolean][] = [];
      const send = (...data: unknown[]) =>
        conduit.send(batchOf(...data), {
          settled: (batch, whole) =>
            void settled.push([batch.map(({ message }) => 'data' in message && message.data), whole]),
          moved() {},
          sentLarge() {},
        });
      return { send, settled };
    };

    it('says what it is, in plain values', async () => {
      const { conduit } = await make();
      expect(['exchange', 'socket', 'stream']).toContain(conduit.shape);
      expect([conduit.alive, conduit.ready]).toEqual([true, true]);
      expect(conduit.maxBytes).toBeGreaterThan(0);
      const { request } = conduit;
      expect([request.transport, Object.isFrozen(request), conduit.request]).toEqual([
        conduit.transport,
        true,
        request,
      ]);
      expect(JSON.parse(JSON.stringify(request))).toEqual(JSON.parse(JSON.stringify({ ...request })));
    });

    it('hands a batch over as it is, and says so once', async () => {
      const { conduit, received } = await make();
      const { send, settled } = sender(conduit);
      send(1, 2);
      await until(() => settled.length > 0 && received().length > 0);
      expect(settled).toEqual([[[1, 2], true]]);
      expect(received()).toEqual([
        [
          { channel: '/a', data: 1 },
          { channel: '/a', data: 2 },
        ],
      ]);
    });

    it('takes a batch that nobody wants to hear of again', async () => {
      const { conduit, received } = await make();
      conduit.send([new OutgoingReply({ channel: '/a', successful: true })]);
      await until(() => received().length > 0);
      expect(received()).toEqual([[{ channel: '/a', successful: true }]]);
    });

    it('keeps the order of many batches, unless it is made for one', async () => {
      const { conduit, received } = await make();
      if (conduit.shape === 'exchange') {
        conduit.send(batchOf(1));
        expect(conduit.ready).toBe(false);
        return;
      }
      const { send, settled } = sender(conduit);
      for (let at = 0; at < 100; at += 1) send(at);
      await until(() => settled.length === 100 && received().length === 100);
      const order = Array.from({ length: 100 }, (_, at) => at);
      expect(received().flatMap((batch) => batch.map(({ data }) => data))).toEqual(order);
      expect(settled).toEqual(order.map((at) => [[at], true]));
    });

    it('is not alive once its peer has gone, and settles what it is given as lost', async () => {
      const { conduit, hangUp } = await make();
      const { send, settled } = sender(conduit);
      hangUp();
      await until(() => !conduit.alive);
      expect(conduit.ready).toBe(false);
      send('late');
      await until(() => settled.length === 1);
      expect(settled).toEqual([[['late'], false]]);
    });

    it('can be ended, more than once', async () => {
      const { conduit } = await make();
      conduit.end('shutdown');
      conduit.end('shutdown');
      await until(() => !conduit.ready);
    });
  });
}
