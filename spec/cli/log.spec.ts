import { describe, expect, it } from 'vitest';
import { isPretty, prettyLine } from '../../src/cli/pretty-log.ts';
import { messageOf } from '../../src/lib/log-message.ts';

const at = new Date(2026, 10, 28, 8, 5, 9, 7);
const plain = { at, colour: false };

describe('the message of a log event', () => {
  it.each([
    [{ event: 'session.opened' }, 'session opened'],
    [{ event: 'session.closed', reason: 'timeout' }, 'session closed: timeout'],
    [{ event: 'origin.refused', why: 'add it to "origins"' }, 'origin refused: add it to "origins"'],
    [{ event: 'policy.failed', error: new Error('boom') }, 'policy failed: boom'],
    [{ event: 'api.key_wrong', error: 'text' }, 'api key wrong: text'],
    [
      { event: 'session.refused', option: 'maxSessions', count: 3 },
      'session refused: the limit is "maxSessions"',
    ],
    [{ event: 'a.b', error: new Error('one\ntwo') }, 'a b: one'],
  ])('%o', (event, message) => {
    expect(messageOf({ level: 'info', ...event })).toBe(message);
  });
});

describe('a line for people', () => {
  it('says when, how bad, what, and the rest by name', () => {
    const event = {
      level: 'warn',
      event: 'session.refused',
      option: 'maxSessions',
      count: 3,
      from: ['a b'],
    } as const;
    expect(prettyLine(event, plain)).toBe(
      '08:05:09.007 WARN  session refused: the limit is "maxSessions"  count=3 from=["a b"]',
    );
    expect(prettyLine({ level: 'info', event: 'x', why: 'y', url: 'http://a/b', text: 'c d' }, plain)).toBe(
      '08:05:09.007 INFO  x: y  url=http://a/b text="c d"',
    );
  });

  it('has the stack of an error below it', () => {
    const lines = prettyLine(
      { level: 'error', event: 'policy.failed', error: new Error('boom') },
      plain,
    ).split('\n');
    expect(lines[0]).toBe('08:05:09.007 ERROR policy failed: boom');
    expect(lines[1]).toMatch(/^ {4}at .*log\.spec\.ts/);
  });

  it('shows what would rule the terminal, and colours only the level', () => {
    const event = { level: 'warn', event: 'x', why: '\u001b[2J', name: '\u009b\n' } as const;
    expect(prettyLine(event, plain)).toBe('08:05:09.007 WARN  x: \\u001b[2J  name="\\u009b\\n"');
    expect(prettyLine({ level: 'warn', event: 'x' }, { at, colour: true })).toBe(
      '\u001b[2m08:05:09.007\u001b[0m \u001b[33mWARN \u001b[0m x',
    );
  });

  it('is written to a terminal, and where it is asked for', () => {
    expect(isPretty(undefined, true)).toBe(true);
    expect(isPretty(undefined, false)).toBe(false);
    expect(isPretty('json', true)).toBe(false);
    expect(isPretty('pretty', false)).toBe(true);
  });
});
