import { describe, expect, it, onTestFinished } from 'vitest';
import type { Session } from '../../src/core/session.ts';
import type { Server, ServerSettings } from '../../src/index.ts';
import type { Driver, Heard } from './driver.ts';
import { type Hosting, host, type Place } from './host.ts';

/** One client on one transport. */
export interface Row {
  readonly client: string;
  /** The connection type it must end up on. */
  readonly transport: string;
  readonly settings?: ServerSettings;
  readonly place?: Place;
  /** Where no connect is held nothing can tell a client to stop (DC-6): it finds its session gone, and handshakes again. */
  readonly startsOver?: true;
  /** Starts something other than one server. */
  readonly start?: (settings?: ServerSettings, place?: Place) => Promise<Hosting>;
  open(host: Hosting): Driver | Promise<Driver>;
  /** A client of the other family, for the two to talk. */
  other(host: Hosting): Driver | Promise<Driver>;
}

/** For real clients in real time: they try again within a tenth of a second or so. */
export const patience = { timeout: 10_000, interval: 10 };

/** What every client must be able to do on every transport: one `it` for each cell of the matrix. */
export function columns(row: Row): void {
  describe(`${row.client} over ${row.transport}`, () => {
    it('handshake', async () => {
      const { place, client } = await opened(row);
      await expect.poll(() => client.transport(), patience).toBe(row.transport);
      expect(await client.handshakes()).toBe(1);
      expect(place.server.sessions.size).toBe(1);
    });

    it('subscribe', async () => {
      const { place, client } = await opened(row);
      await client.subscribe('/news');
      await place.server.publish('/elsewhere', 0);
      await place.server.publish('/news', { text: 'häppens \u2028 <b>' });
      await hears(client, [['/news', '/news', { text: 'häppens \u2028 <b>' }]]);
    });

    it('* and **', async () => {
      const { place, client } = await opened(row);
      await client.subscribe('/a/*');
      await client.subscribe('/b/**');
      for (const channel of ['/a', '/a/x', '/a/x/y', '/b', '/b/x', '/b/x/y']) {
        await place.server.publish(channel, channel);
      }
      await hears(client, [
        ['/a/*', '/a/x', '/a/x'],
        ['/b/**', '/b/x', '/b/x'],
        ['/b/**', '/b/x/y', '/b/x/y'],
      ]);
    });

    it('publish', async () => {
      const { place, client } = await opened(row);
      const published: unknown[] = [];
      place.server.on('published', ({ data }) => published.push(data));
      await client.subscribe('/chat');
      await client.publish('/chat', { n: 1 });
      await client.publish('/chat', [2]);
      await hears(client, [
        ['/chat', '/chat', { n: 1 }],
        ['/chat', '/chat', [2]],
      ]);
      expect(published).toEqual([{ n: 1 }, [2]]);
      await expect(client.publish('/bad.name', 3)).rejects.toThrow();
    });

    it('batch', async () => {
      const { client } = await opened(row);
      await client.subscribe('/chat');
      // Faye sends what is over 2 kB in several requests at once, over connections whose order is anyone's.
      const numbers = Array.from({ length: 5 }, (_, at) => at);
      await client.batch(numbers.map((n) => ['/chat', n]));
      await hears(
        client,
        numbers.map((n) => ['/chat', '/chat', n]),
      );
    });

    it('unsubscribe', async () => {
      const { place, client } = await opened(row);
      await client.subscribe('/news');
      await client.subscribe('/end');
      await place.server.publish('/news', 1);
      await hears(client, [['/news', '/news', 1]]);
      await client.unsubscribe('/news');
      await place.server.publish('/news', 2);
      await place.server.publish('/end', 3);
      await hears(client, [
        ['/news', '/news', 1],
        ['/end', '/end', 3],
      ]);
    });

    it('server-side disconnect', async () => {
      const { place, client } = await opened(row);
      await waits(place.server, row.transport);
      session(place.server).disconnect();
      expect(place.server.sessions.size).toBe(0);
      if (row.startsOver) {
        await expect.poll(() => client.handshakes(), patience).toBe(2);
      } else {
        await expect.poll(() => client.stopped(), patience).toBe(true);
        expect(await client.handshakes()).toBe(1);
      }
    });

    it('disconnect', async () => {
      const { place, client } = await opened(row);
      const reasons: string[] = [];
      place.server.on('session.closed', ({ reason }) => reasons.push(reason));
      await waits(place.server, row.transport);
      await client.close();
      expect(await client.stopped()).toBe(true);
      expect(place.server.sessions.size).toBe(0);
      expect(reasons).toEqual(['disconnect']);
    });

    it('server restart and recovery', async () => {
      const { place, client } = await opened(row);
      await client.subscribe('/news');
      await place.stop();
      await place.start();
      await expect
        .poll(() => place.server.directory.count('/news'), patience)
        .toEqual({ value: 1, complete: true });
      expect(await client.handshakes()).toBe(2);
      await place.server.publish('/news', 'back');
      await hears(client, [['/news', '/news', 'back']]);
    });

    it('talks with the other family', async () => {
      const { place, client } = await opened(row);
      const other = await row.other(place);
      onTestFinished(() => close(other));
      await other.open();
      await client.subscribe('/room/**');
      await other.subscribe('/room/*');
      await client.publish('/room/1', 'hello');
      await hears(other, [['/room/*', '/room/1', 'hello']]);
      await other.publish('/room/1', 'and hello back');
      await hears(client, [
        ['/room/**', '/room/1', 'hello'],
        ['/room/**', '/room/1', 'and hello back'],
      ]);
      expect(await other.heard()).toHaveLength(2);
    });
  });
}

async function opened(row: Row): Promise<{ place: Hosting; client: Driver }> {
  const place = await (row.start ?? host)(row.settings, row.place);
  const client = await row.open(place);
  onTestFinished(() => close(client));
  await client.open();
  return { place, client };
}

/** Disconnects a client that has not stopped by itself. */
export async function close(client: Driver): Promise<void> {
  if (!(await client.stopped())) await client.close();
}

/** Waits until exactly these events were heard, in this order. */
export async function hears(
  client: Driver,
  events: readonly (readonly [pattern: string, channel: string, data: unknown])[],
): Promise<void> {
  const expected: Heard[] = events.map(([pattern, channel, data]) => ({ pattern, channel, data }));
  await expect.poll(() => client.heard(), patience).toEqual(expected);
}

/** The one session there is. */
export function session(server: Server): Session {
  const [one] = server.sessions;
  if (one === undefined) throw new Error('no session');
  return one;
}

/**
 * Waits until the client waits for events: its connect is held; or its stream is open, and no connect is held any more, as the
 * first ones of Faye are, which it sends before it has seen its stream open.
 */
export async function waits(server: Server, transport = 'long-polling'): Promise<void> {
  const one = session(server);
  const listens = () => one.push?.shape === 'stream' && one.state === 'idle';
  const isWaiting = transport === 'eventsource' ? listens : () => one.state === 'held';
  await expect.poll(isWaiting, patience).toBe(true);
}
