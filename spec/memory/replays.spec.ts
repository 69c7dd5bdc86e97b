import { expect, it } from 'vitest';
import { MeasuredServer, politeWhile } from './measured-server.ts';
import { replayFlood, toManyPatterns, toOnePattern } from './replay-flood.ts';

const options = { channels: { '/d/**': { history: true } } } as const;
const SESSIONS = 4;

it('others are served while batches of 106 KiB ask for a replay of 20,000 channels again and again', async () => {
  const server = await MeasuredServer.start(options);
  await server.spread(20_000);
  await politeWhile(server.url, Promise.resolve());
  const flooding = replayFlood(server.url, SESSIONS, toOnePattern);
  expect(await politeWhile(server.url, flooding)).toBeLessThan(1000);
  const replies = await flooding;
  expect(replies.length).toBeGreaterThan(SESSIONS * 500);
  expect(replies.every(({ successful }) => successful === true)).toBe(true);
});

it('a session gets the replays it may have, is refused more, and others are served meanwhile', async () => {
  const server = await MeasuredServer.start(options);
  await server.spread(20_000);
  await politeWhile(server.url, Promise.resolve());
  const flooding = replayFlood(server.url, SESSIONS, toManyPatterns);
  expect(await politeWhile(server.url, flooding)).toBeLessThan(1000);
  const replies = await flooding;
  const refused = replies.filter(({ successful }) => successful !== true);
  // Of 40 patterns each, and 200 replays may be under way.
  expect(replies.length - refused.length).toBe(SESSIONS * 5);
  for (const reply of refused) expect(reply).toMatchObject({ error: '413:200:too_many_replays' });
});
