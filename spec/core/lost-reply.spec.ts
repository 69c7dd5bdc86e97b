import { describe, expect, it } from 'vitest';
import { LostReply } from '../../src/ports/lost-reply.ts';
import type { ConnectRequest } from '../../src/protocol/message.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';

/** A connect, how it comes, and whether it is answered. */
interface Came {
  readonly id?: string | number;
  readonly now?: true;
  readonly via?: FakeConduit;
  readonly batched?: true;
  readonly answered?: false;
}

/** What each of these connects shows. */
function shown(...all: readonly Came[]): boolean[] {
  const lostReply = new LostReply();
  return all.map(({ id, now, via = exchange(), batched, answered }) => {
    const request: ConnectRequest = {
      kind: 'connect',
      channel: '/meta/connect',
      ...(id !== undefined && { id }),
      ...(now && { advice: { timeout: 0 } }),
    };
    const isLost = lostReply.isShownBy(request, via, batched === undefined);
    if (answered === undefined) lostReply.answered();
    return isLost;
  });
}

const a = socket();
const b = socket();

describe('a connect shows that the reply before it was lost (DL-13)', () => {
  it.each<[string, readonly Came[]]>([
    ['when it repeats the id of the one answered, as Faye does', [{ id: 'a' }, { id: 'a' }]],
    ['also when that is 0, or empty', [{ id: 0 }, { id: 0 }]],
    ['also when it comes with others', [{ id: '1' }, { id: '1', batched: true }]],
    [
      'when it comes alone and wants an answer at once, as CometD does',
      [{ id: '1' }, { id: '2', now: true }],
    ],
    ['also without ids', [{}, { now: true }]],
    ['also on a socket after a poll', [{ id: '1' }, { id: '2', now: true, via: a }]],
    [
      'also on a poll after a socket',
      [
        { id: '1', via: a },
        { id: '2', now: true },
      ],
    ],
    [
      'on another socket, though the one before was held: pushed was on the first',
      [
        { id: '1', via: a, answered: false },
        { id: '2', now: true, via: b },
      ],
    ],
    [
      'on another socket, whatever it says: the first one broke',
      [
        { id: '1', via: a },
        { id: '2', via: b },
      ],
    ],
  ])('%s', (_when, connects) => {
    expect(shown(...connects)).toEqual([...connects.slice(1).map(() => false), true]);
  });

  it.each<[string, readonly Came[]]>([
    ['when it is the first, whatever it asks', [{ id: '1', now: true }]],
    ['when it is another that may be held', [{ id: '1' }, { id: '2' }, { id: '3' }]],
    ['without ids', [{}, {}, {}]],
    [
      'when it wants an answer at once because others came with it',
      [{ id: '1' }, { id: '2', now: true, batched: true }],
    ],
    ['when the id is that of an earlier one', [{ id: '1' }, { id: '2' }, { id: '1' }]],
    ['when an id looks the same only', [{ id: '1' }, { id: 1 }]],
    [
      'when the one before was never answered: nothing was sent',
      [
        { id: '1' },
        { id: '2', answered: false },
        { id: '3', now: true, answered: false },
        { id: '3', now: true },
      ],
    ],
    [
      'on the same socket, which would have brought it',
      [
        { id: '1', via: a, answered: false },
        { id: '1', via: a, now: true },
        { id: '2', via: a, now: true },
      ],
    ],
  ])('not %s', (_when, connects) => {
    expect(shown(...connects)).toEqual(connects.map(() => false));
  });

  it('each time anew', () => {
    expect(shown({ id: '1' }, { id: '2', now: true }, { id: '3', now: true }, { id: '4' })).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
