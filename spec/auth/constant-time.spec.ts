import { timingSafeEqual } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { hashOf, KeyRing } from '../../src/http/api/key-ring.ts';
import { ChannelGrammar } from '../../src/protocol/channel.ts';
import { readOptions } from '../../src/server-options.ts';

// Not in spec/http, whose files share their modules.
vi.mock('node:crypto', async (original) => {
  const all: typeof import('node:crypto') = await original();
  return { ...all, timingSafeEqual: vi.fn(all.timingSafeEqual) };
});

const keys = ['one', 'two', 'three'].map((name) => ({
  name,
  hash: hashOf(name),
  rights: ['admin'] as const,
}));
const ring = new KeyRing(keys, new ChannelGrammar(readOptions({})));

it.each([
  ['one', 'one'],
  ['three', 'three'],
  ['a wrong key, which is long', undefined],
  ['', undefined],
])('a key is compared with every API key, by hashes in constant time: %j', (sent, found) => {
  const compare = vi.mocked(timingSafeEqual);
  compare.mockClear();
  expect(ring.find(sent)?.name).toBe(found);
  const lengths = compare.mock.calls.map(([left, right]) => [left.byteLength, right.byteLength]);
  expect(lengths).toEqual([
    [32, 32],
    [32, 32],
    [32, 32],
  ]);
});
