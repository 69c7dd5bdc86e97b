import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/lib/usage-error.ts';
import { serverSpecs } from './contracts/server.ts';
import { servePeople } from './people.ts';

const room = '/chat/room';

serverSpecs('one server', servePeople);

describe('a wrong call is refused with the one to write', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
  const untyped: any = servePeople().server;
  // biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
  const off: any = servePeople({ channels: {} }).server;
  it.each<[() => unknown, string]>([
    [
      () => off.presence('/chat/room'),
      'presence is not kept for "/chat/room": write new Server({ channels: { \'/chat/room\': { presence: true } } })',
    ],
    [() => untyped.presence('/other'), 'presence is not kept for "/other": write new Server('],
    [() => untyped.presence('/chat/*'), 'presence is not kept for "/chat/*"'],
    [() => untyped.presence(), 'presence is not kept for undefined'],
    [
      () => untyped.presence('/presence/everyone'),
      "presence of all sessions is off: write new Server({ presence: { everyone: 'full' } })",
    ],
    [() => untyped.presence(room).on('joined', () => {}), 'there is no event "joined"; did you mean "join"?'],
    [
      () => untyped.presence(room).on('join'),
      "the listener of \"join\" must be a function, got undefined: write server.presence('/chat/room').on('join'",
    ],
    [
      () => servePeople({ channels: { '/presence/chat/room': { presence: true } } }),
      'channels["/presence/chat/room"].presence has no effect: the rule is that of the channel, without "/presence"',
    ],
    [
      () => servePeople({ channels: { '/service/x': { presence: true } } }),
      'channels["/service/x"].presence has no effect',
    ],
    [
      () => servePeople({ channels: { '/a': { presence: { mode: 'count' as 'total' } } } }),
      'channels["/a"].presence.mode must be "full" or "total", got "count"',
    ],
    [
      () => servePeople({ presence: { everyone: true as unknown as 'full' } }),
      'presence.everyone must be false, "full" or "total", got true',
    ],
  ])('%#', (call, sentence) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(sentence);
  });
});
