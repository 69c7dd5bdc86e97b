import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client } from './sessions.ts';

// More than the kernel takes for a peer that does not read.
const BIG = 'x'.repeat(20_000_000);
const room = { maxFlushBytes: 100_000_000, maxQueueBytes: 100_000_000, maxQueuedBytes: 400_000_000 };

/** A session whose connect was answered with more than its client has read. */
async function reading(data = BIG) {
  const { server, clock, url } = await start(room);
  const alice = await client(url);
  await alice.subscribe('/news');
  const [session] = server.sessions;
  const body = JSON.stringify(alice.connectRequest());
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  onTestFinished(() => void socket.destroy());
  socket.write(`POST /bayeux HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await until(() => session?.state === 'held');
  await server.publish('/news', data);
  await until(() => session?.state === 'idle');
  return { clock, session, socket, alice };
}

describe('a client that still reads the answer to its connect (EX-1)', () => {
  it('keeps its session, and has its time to come from when it has read all', async () => {
    const { clock, session, socket, alice } = await reading();
    await clock.tick(29_000);
    expect(session?.state).toBe('idle');
    let length = 0;
    socket.on('data', (chunk: Buffer) => {
      length += chunk.length;
    });
    socket.resume();
    await until(() => length > BIG.length, 'all of it is read');
    await clock.tick(14_000);
    expect(session?.state).toBe('idle');
    expect(await alice.connect({ advice: { timeout: 0 } })).toMatchObject({ successful: true });
    expect(alice.link.inbox.items).toEqual([]);
  });

  it('loses its session when it reads nothing at all', async () => {
    const { clock, session, alice } = await reading();
    // By then its connection was cut, and what it carried waits for the next connect.
    await clock.tick(30_000);
    await until(() => session?.outbox.size === 1);
    await clock.tick(14_000);
    expect(session?.state).toBe('idle');
    await clock.tick(1_000);
    expect(session?.state).toBe('gone');
    expect(await alice.connect()).toMatchObject({ successful: false });
  });

  it('has half a minute more for half a megabyte that the operating system took at once', async () => {
    const { clock, session, socket, alice } = await reading('x'.repeat(500_000));
    await until(() => session?.outbox.size === 0);
    // 20 kB/s are 25 seconds; the session would be gone after 15.
    await clock.tick(45_000);
    expect(session?.state).toBe('idle');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.resume();
    await until(() => text.endsWith(']'));
    expect(text).toContain('"xxxx');
    expect(await alice.connect({ advice: { timeout: 0 } })).toMatchObject({ successful: true });
    await clock.tick(15_000);
    expect(session?.state).toBe('gone');
  });

  it('keeps that time when a smaller answer follows (EX-2)', async () => {
    const { clock, session, alice } = await reading('x'.repeat(500_000));
    await until(() => session?.outbox.size === 0);
    await alice.ask(alice.message('/news', { data: 'y'.repeat(100_000) }));
    // 15 seconds and 31 for the first; for the second alone it would be 21 in all.
    await clock.tick(45_000);
    expect(session?.state).toBe('idle');
  });
});
