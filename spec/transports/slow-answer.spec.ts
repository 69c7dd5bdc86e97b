import { describe, expect, it } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { SlowLine } from '../support/slow-line.ts';
import { start } from '../support/start.ts';
import { settle, until } from '../support/until.ts';
import { client } from './sessions.ts';

const EVENTS = 32;

/** A held poll over a line of small buffers that was answered with half a megabyte. */
async function answered(settings: ServerSettings = {}) {
  const { server, clock, http, url } = await start(settings);
  const alice = await client(url);
  await alice.subscribe('/news');
  const [session] = server.sessions;
  const line = new SlowLine(http);
  line.post([alice.connectRequest()]);
  await until(() => session?.state === 'held');
  const publish = (data: unknown) => server.publish('/news', data);
  await Promise.all(Array.from({ length: EVENTS }, (_, at) => publish(`${at} ${'x'.repeat(16_000)}`)));
  await until(() => session?.state === 'idle');
  /** So many seconds pass, in which the client reads so many bytes a second. */
  const readFor = async (seconds: number, rate: number): Promise<void> => {
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
      await clock.tick(100);
      line.read(rate / 10);
    }
    await clock.tick(0);
  };
  return { clock, session, line, alice, publish, readFor };
}

const numbers = (messages: readonly { readonly [key: string]: unknown }[]) =>
  messages.filter(({ channel }) => channel === '/news').map(({ data }) => Number.parseInt(String(data), 10));
const all = Array.from({ length: EVENTS }, (_, at) => at);

describe('a client that reads half a megabyte slowly', () => {
  it.each([
    [20_000, {}],
    [20_000, { timeout: 10_000 }],
    [5_000, {}],
    [1_000, {}],
  ])('at %i bytes a second loses nothing, with %j (EX-1)', async (rate, settings) => {
    const { session, line, alice, readFor } = await answered(settings);
    await readFor(520_000 / rate, rate);
    expect(numbers(line.messages)).toEqual(all);
    expect([session?.state, session?.outbox.size, line.isCut]).toEqual(['idle', 0, false]);
    expect(await alice.connect({ advice: { timeout: 0 } })).toMatchObject({ successful: true });
    expect(alice.link.inbox.items).toEqual([]);
  });

  it('is cut when 16 KiB take more than half a minute (SEC-9)', async () => {
    const { clock, session, line, readFor } = await answered();
    await readFor(5, 20_000);
    await readFor(29, 100);
    expect([line.isCut, session?.outbox.size]).toEqual([false, 0]);
    await readFor(2, 100);
    expect([line.isCut, session?.outbox.size]).toEqual([true, EVENTS]);
    await clock.tick(15_000);
    expect(session?.state).toBe('gone');
    expect(clock.pending).toBe(0);
  });
});

describe('a slow answer that is overtaken by a connect on another connection (DL-8)', () => {
  it('is left in peace as long as it is read', async () => {
    const { session, line, alice, publish, readFor } = await answered();
    await readFor(2, 20_000);
    const next = alice.connect();
    await until(() => session?.state === 'held');
    await publish('32');
    await readFor(24.5, 20_000);
    expect(numbers(line.messages)).toEqual(all);
    expect(await next).toMatchObject({ successful: true });
    expect(alice.link.inbox.items.map(({ data, ext }) => [data, ext])).toEqual([['32', undefined]]);
  });

  it('is left in peace when the server was too busy to hear of its progress', async () => {
    const { session, line, alice } = await answered({ clock: systemClock });
    const next = alice.connect();
    await until(() => session?.state === 'held');
    setImmediate(() => line.read(20_000));
    for (const end = performance.now() + 500; performance.now() < end; );
    await settle();
    expect(line.isCut).toBe(false);
    await until(() => line.isCut);
    expect(await next).toMatchObject({ successful: true });
  });

  it('is cut once it is not read for twice as long as it ever took, and comes again', async () => {
    const { clock, session, line, alice, readFor } = await answered();
    await readFor(4, 20_000);
    const next = alice.connect();
    await until(() => session?.state === 'held');
    await clock.tick(250);
    expect(line.isCut).toBe(false);
    await clock.tick(2_000);
    expect(line.isCut).toBe(true);
    expect(await next).toMatchObject({ successful: true });
    expect(numbers(alice.link.inbox.items)).toEqual(all);
    expect(alice.link.inbox.items.every(({ ext }) => ext === undefined)).toBe(true);
  });
});
