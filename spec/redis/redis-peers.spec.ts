import { describe, expect, it } from 'vitest';
import { MailboxQuestions } from '../../src/redis/mailbox-questions.ts';
import { encodePipeText, type PipeText } from '../../src/redis/pipe-text.ts';
import { PipedPeers } from '../../src/redis/piped-peers.ts';
import { RedisPeers } from '../../src/redis/redis-peers.ts';
import { NodeKeys } from '../../src/redis/seal.ts';
import type { Beat } from '../../src/redis/scripts/beat.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { nodeSide, peerHandler } from '../support/node-side.ts';

const lease = JSON.stringify({ formats: [1, 1], key: new NodeKeys('').open });
const numbers = { publications: 0, interests: 0, presences: 0 };
const alone: Beat = {
  birth: 'first',
  format: 1,
  now: 0,
  isFresh: false,
  numbers,
  living: new Map(),
  beats: new Map(),
  unread: { written: 0, oldest: undefined },
  due: [],
};
const withOther: Beat = { ...alone, living: new Map([['Other123', lease]]) };

/** The peers of a node that has beaten for some time, and knows one other. */
async function peers() {
  const clock = new FakeClock();
  const told: (readonly [node: string, text: string])[] = [];
  const tell = async (node: string, text: string) => {
    told.push([node, text]);
    return 'told' as const;
  };
  const own = { node: 'Own12345', clock, tell };
  const pipes = new PipedPeers({ ...own, secret: '' });
  const made = new RedisPeers({ clock, questions: new MailboxQuestions(own), pipes });
  made.serve(peerHandler());
  await made.open(nodeSide());
  const beat = async (one: Beat, ms = 1_000) => {
    await clock.tick(ms);
    made.beaten(one);
    return made.reaches('Other123');
  };
  for (let at = 0; at < 5; at += 1) await beat(withOther);
  return { beat, made, told };
}

describe('a node without a lease', () => {
  it('has left', async () => {
    const { beat } = await peers();
    expect([await beat(withOther), await beat(alone)]).toEqual([true, false]);
  });

  it.each([
    ['Redis lost this node too', { ...alone, isFresh: true }, 1_000],
    ['the data is another', { ...alone, birth: 'second' }, 1_000],
    ['Redis was away', alone, 3_000],
  ])('may come back where %s, for two and a half seconds', async (_name, first, ms) => {
    const { beat } = await peers();
    const next = { ...alone, birth: first.birth };
    expect([await beat(first, ms), await beat(next), await beat(next), await beat(next)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('is reached as soon as it has one', async () => {
    const { beat } = await peers();
    expect([await beat(alone), await beat(withOther)]).toEqual([false, true]);
  });
});

it('a text of a node that is unknown makes none known, but for one that begins a pipe', async () => {
  const { made, told } = await peers();
  const from = (text: PipeText) => made.told(encodePipeText('Strange1', text), 0);
  from({ is: 'data', own: 'x', other: 'y', number: 2, box: '' });
  from({ is: 'close', other: 'y', isLeaving: false });
  expect([made.reaches('Strange1'), told.slice(-1)]).toEqual([
    false,
    [['Strange1', encodePipeText('Own12345', { is: 'close', other: 'x', isLeaving: false })]],
  ]);
  from({ is: 'open', own: 'x', key: new NodeKeys('').open });
  expect(made.reaches('Strange1')).toBe(true);
});

it('a node whose lease has no key, or says what this version cannot read, is not reached', async () => {
  const { beat } = await peers();
  for (const other of ['{"formats":[1,1]}', '[]', 'no JSON'])
    expect(await beat({ ...alone, living: new Map([['Other123', other]]) })).toBe(false);
});
