import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { Server } from '../../src/server.ts';

const storage = new AsyncLocalStorage<string>();
const called = (ask: (call: () => void) => void) =>
  new Promise<string | undefined>((resolve) => {
    storage.run('of the one who asks', () => ask(() => resolve(storage.getStore())));
  });

it('the clock calls without the storage of whoever asks for the call', async () => {
  expect(await called((call) => systemClock.soon(call))).toBeUndefined();
  expect(await called((call) => systemClock.after(1, call))).toBeUndefined();
});

it('an in-process listener does not see the storage of the first publish of a turn', async () => {
  const server = new Server();
  const session = await server.localSession();
  const heard: unknown[] = [];
  await session.subscribe('/a', ({ data }) => heard.push([data, storage.getStore()]));
  await Promise.all([1, 2].map((data) => storage.run(`publish ${data}`, () => server.publish('/a', data))));
  await expect
    .poll(() => heard)
    .toEqual([
      [1, undefined],
      [2, undefined],
    ]);
  await server.close();
});
