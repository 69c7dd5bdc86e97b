import { once } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { reach, unread } from './sessions.ts';

const MEGABYTE = 1_048_576;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes of buffers that something still holds. */
function held(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe('a body of 32 MiB', () => {
  it.each(['with its length told', 'in chunks'])('%s is refused and not kept', async (how) => {
    const { url } = await start();
    const { hostname, port, pathname, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    onTestFinished(() => void socket.destroy());
    const chunked = how === 'in chunks';
    const length = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${32 * MEGABYTE}`;
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
    );
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });

    const piece = Buffer.alloc(MEGABYTE, '[');
    const chunk = chunked ? Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]) : piece;
    const before = held();
    let most = 0;
    for (let at = 0; at < 32; at += 1) {
      if (!socket.write(chunk)) await once(socket, 'drain');
      if (at % 8 === 7) most = Math.max(most, held() - before);
    }
    if (chunked) socket.write('0\r\n\r\n');
    await until(() => answer.includes('Request too large'));
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(most).toBeLessThan(16 * MEGABYTE);

    // What was left of it was read: the connection serves the next request.
    answer = '';
    socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n[]`);
    await until(() => answer.startsWith('HTTP/1.1 400 '));
  });

  it('that compresses to next to nothing is refused and not unpacked', async () => {
    const { url } = await start();
    // Were it unpacked, it would be a good batch.
    const body = gzipSync('[{"channel":"/meta/connect"}]'.padEnd(32 * MEGABYTE));
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
    const { status } = await reach(url).fetch({ method: 'POST', headers, body });
    expect(status).toBe(413);
  });
});

describe('a body', () => {
  it('of exactly the limit is read', async () => {
    const { url } = await start({ maxMessageSize: 100 });
    const body = '[{"channel":"/meta/connect"}]'.padEnd(100);
    expect((await reach(url).fetch({ method: 'POST', body })).status).toBe(200);
    expect((await reach(url).fetch({ method: 'POST', body: `${body} ` })).status).toBe(413);
  });

  it('that breaks off leaves nothing behind', async () => {
    const { http, clock, url } = await start();
    let arrived = false;
    let finished = false;
    http.on('request', (_req, res) => {
      arrived = true;
      res.on('close', () => {
        finished = true;
      });
    });
    const cut = reach(url).http({ method: 'POST', headers: { 'Content-Length': 10 }, unfinished: '[{' });
    await until(() => arrived);
    cut.abort();
    await until(() => finished);
    expect(clock.pending).toBe(0);
  });

  it('that was refused and never ends is cut off', async () => {
    const { clock, url } = await start({ maxMessageSize: 10 });
    const socket = unread(url, { body: '['.repeat(100), length: 1000 });
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text;
    });
    socket.resume();
    await until(() => answer.includes('Request too large'));
    await clock.tick(4_999);
    expect(socket.destroyed).toBe(false);
    await clock.tick(1);
    // Long before Node would end a connection that is kept alive.
    await until(() => socket.closed);
    expect(clock.pending).toBe(0);
  });

  it('that is refused is answered even where the connection is to be closed', async () => {
    const { url } = await start();
    const request = {
      method: 'POST',
      headers: { Connection: 'close' },
      body: Buffer.alloc(32 * MEGABYTE, '['),
    };
    expect((await reach(url).fetch(request)).status).toBe(413);
  });
});

describe('a body in small chunks', () => {
  const inChunks = (count: number, chunk: string) =>
    `${`${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(count)}0\r\n\r\n`;

  async function answerTo(
    body: string,
  ): Promise<{ readonly text: string; readonly isClosed: () => boolean }> {
    const { url } = await start();
    const { hostname, port, pathname, host } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    socket.write(`POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    await until(() => text.includes('\r\n\r\n'));
    return { text, isClosed: () => socket.readableEnded || socket.destroyed };
  }

  it('is read up to 1,000 of them, and beyond if they are larger', async () => {
    expect((await answerTo(inChunks(1000, ' '))).text).toMatch(/^HTTP\/1.1 400 .*is neither JSON/s);
    expect((await answerTo(inChunks(3000, ' '.repeat(32)))).text).toMatch(
      /^HTTP\/1.1 400 .*is neither JSON/s,
    );
  });

  it('is refused beyond, and the connection closed', async () => {
    const { text, isClosed } = await answerTo(inChunks(1001, ' '));
    expect(text).toMatch(/^HTTP\/1.1 400 .*Connection: close.*send larger ones$/s);
    await until(isClosed);
  });
});
