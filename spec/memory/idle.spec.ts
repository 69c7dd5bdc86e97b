import { expect, it } from 'vitest';
import { held, MeasuredServer, politeWhile } from './measured-server.ts';

it('a server that nobody floods serves within a second and keeps nothing', async () => {
  const server = await MeasuredServer.start();
  await politeWhile(server.url, Promise.resolve());
  const before = await server.measure();
  expect(await politeWhile(server.url, Promise.resolve())).toBeLessThan(1000);
  const after = await server.measure();
  expect(after.sessions).toBe(0);
  expect(held(after) - held(before)).toBeLessThan(1_000_000);
});
