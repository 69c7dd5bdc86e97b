import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { backoff } from '../../src/redis/connection/backoff.ts';
import { dialUrl } from '../../src/redis/connection/dial-url.ts';
import type { Dial, LineHooks } from '../../src/redis/connection/line.ts';
import { RedisConnection } from '../../src/redis/connection/redis-connection.ts';
import { settle } from '../support/until.ts';

/** Lines whose commands are answered by a function, and how many were opened and destroyed. */
class FakeLines {
  readonly hooks: LineHooks[] = [];
  destroyed = 0;
  answer: (command: string) => Promise<unknown> = () => Promise.resolve('run_id:abc\r\n');

  readonly dial: Dial = (hooks) => {
    this.hooks.push(hooks);
    return Promise.resolve({
      send: ([command = '']) => this.answer(command),
      destroy: () => {
        this.destroyed += 1;
      },
    });
  };
}

async function opened(lines: FakeLines): Promise<{ connection: RedisConnection; clock: FakeClock }> {
  const clock = new FakeClock();
  const connection = new RedisConnection({ dial: lines.dial, clock, random: () => 0 });
  connection.open();
  await connection.whenOpen();
  return { connection, clock };
}

describe('RedisConnection over lines of any library', () => {
  it('is away at once when a command fails before the library tells that the line is lost', async () => {
    const lines = new FakeLines();
    const { connection } = await opened(lines);
    lines.answer = () => Promise.reject(new Error('the stream is not writable'));
    await expect(connection.send(['GET', 'x'])).rejects.toMatchObject({ outcome: 'unknown' });
    expect(connection.state.is).toBe('away');
    expect(lines.destroyed).toBe(1);
  });

  it('destroys a line on which an answer is late, and settles all that waits on it', async () => {
    const lines = new FakeLines();
    const { connection, clock } = await opened(lines);
    lines.answer = () => new Promise(() => {});
    const failed = [connection.send(['GET', 'x']), connection.send(['GET', 'y'], 60_000)].map((sent) =>
      sent.catch((error: unknown) => error),
    );
    await clock.tick(1000);
    for (const error of await Promise.all(failed)) {
      expect(error).toMatchObject({ outcome: 'unknown', message: 'Redis did not answer GET within 1000 ms' });
    }
    expect(lines.destroyed).toBe(1);
  });

  it.each([
    'LOADING Redis is loading the dataset in memory',
    'READONLY You can not write',
    'MOVED 1 127.0.0.1:1',
  ])('looks for another line after %s', async (text) => {
    const lines = new FakeLines();
    const { connection, clock } = await opened(lines);
    const { answer } = lines;
    lines.answer = () => Promise.reject(new Error(text));
    await expect(connection.send(['SET', 'x', '1'])).rejects.toMatchObject({ outcome: 'refused' });
    expect(connection.state).toMatchObject({ is: 'away', reason: { message: text } });
    // Redis refuses PING too while it loads: the line is not in use.
    await clock.tick(50);
    expect([lines.hooks.length, connection.state.is]).toEqual([2, 'away']);
    lines.answer = answer;
    await clock.tick(50);
    expect([lines.hooks.length, connection.state.is]).toEqual([3, 'open']);
    connection.close();
  });

  it.each(['OOM command not allowed', 'NOPERM this user has no permissions', 'ERR unknown command'])(
    'keeps its line after %s',
    async (text) => {
      const lines = new FakeLines();
      const { connection, clock } = await opened(lines);
      lines.answer = () => Promise.reject(new Error(text));
      const word = text.slice(0, text.indexOf(' '));
      await expect(connection.send(['SET', 'x', '1'])).rejects.toMatchObject({ outcome: 'refused', word });
      expect([connection.state.is, lines.destroyed, clock.pending]).toEqual(['open', 0, 0]);
    },
  );

  it('gives up opening a line in time, and leaves no timer when it is closed', async () => {
    const clock = new FakeClock();
    const connection = new RedisConnection({ dial: () => new Promise(() => {}), clock, random: () => 0 });
    connection.open();
    await clock.tick(1000);
    expect(connection.state).toMatchObject({ reason: { message: 'no connection to Redis within 1000 ms' } });
    connection.close();
    await settle();
    expect([connection.state.is, clock.pending]).toEqual(['closed', 0]);
  });

  it('waits between 50 ms and 2 s before it connects again, longer with each failure', () => {
    expect([0, 1, 3, 20].map((failures) => backoff(failures, 0))).toEqual([50, 50, 50, 50]);
    expect([0, 1, 3, 20].map((failures) => backoff(failures, 1))).toEqual([50, 100, 400, 2000]);
  });
});

describe('the URL of Redis', () => {
  it.each(['http://127.0.0.1', 'nonsense', ''])('is refused when it is «%s»', async (url) => {
    await expect(dialUrl(url)).rejects.toThrow('the URL of Redis must look like redis://HOST:PORT');
  });

  it('is not repeated in the error, since it may hold a password', async () => {
    await expect(dialUrl('http://user:secret@host')).rejects.not.toThrow('secret');
  });
});
