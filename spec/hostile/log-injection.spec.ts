import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));
const { file } = tempFolder();

/** Starts the program from the build, and gives its port and its log when it has ended. */
async function start(args: readonly string[]) {
  const secret = file('secret', 'a secret of at least thirty-two bytes');
  const all = [bin, '--port', '0', '--auth-secret-file', secret, '--api-key', 'k'.repeat(40), ...args];
  const child = spawn(process.execPath, all, { env: { PATH: process.env.PATH } });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log = text(child.stderr);
  const exited = once(child, 'exit');
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  while (!printed.includes('API key')) await Promise.race([once(child.stdout, 'data'), exited.then(fail)]);
  const end = async () => {
    child.kill('SIGTERM');
    await exited;
    return log;
  };
  return { port: Number(/:(\d+)\/bayeux/.exec(printed)?.[1]), end };
}

const fail = () => Promise.reject(new Error('the program did not start'));

/** Sends bytes as they are, with the body and its length behind them, and waits for the end of the answer. */
async function raw(port: number, head: string, body = ''): Promise<void> {
  const socket = connect(port, '127.0.0.1').resume();
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  const bytes = Buffer.from(body);
  const closing = 'Host: localhost\r\nConnection: close\r\n';
  socket.write(Buffer.from(`${head}\r\n${closing}Content-Length: ${bytes.length}\r\n\r\n`, 'latin1'));
  socket.write(bytes);
  await once(socket, 'close');
}

/** A line that looks like one of the log, the end of the screen, and text that turns its direction. */
const forged =
  '\n{"level":"info","event":"forged"}\r\n12:00:00.000 INFO forged\u001b[2J\u009b1m\u202e\u2028\u0007\u0000';
/** As much of it as a header may carry: bytes from 0x80 up. */
const inHeader = 'x\u009b2J\u0085forged';
const post = 'POST /bayeux HTTP/1.1\r\nContent-Type: application/json';

async function attack(port: number): Promise<void> {
  const say = (message: unknown) => raw(port, post, JSON.stringify([message]));
  for (const channel of [`/a${forged}`, `/meta/${forged}`, `/service/${forged}`, forged])
    await say({ channel, data: 1, clientId: forged, id: forged });
  await say({ channel: '/meta/handshake', version: forged, supportedConnectionTypes: [forged] });
  await say({ channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: [forged] });
  const types = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };
  for (const header of [forged, '{"alg":"HS256"}', '{"alg":"HS256","kid":"\\n\\u001b[2J"}'])
    await say({ ...types, ext: { auth: { token: `${Buffer.from(header).toString('base64url')}.e30.AA` } } });
  await say({ ...types, ext: { auth: { token: forged } }, [forged]: forged });
  await raw(port, post, `[{"channel":${forged}`);
  for (const name of ['Origin', 'Referer', 'User-Agent', 'Cookie', 'Content-Encoding', 'X-Forwarded-For'])
    await raw(port, `${post}\r\n${name}: ${inHeader}`, '[]');
  await raw(port, `POST /bayeux HTTP/1.1\r\nContent-Type: text/plain; charset=${inHeader}`, '[]');
  await raw(port, `GET /bayeux?jsonp=%0A%1B%5B2J&message=%5B%5D HTTP/1.1\r\nReferer: ${inHeader}`);
  await raw(port, 'GET /%0A%1B%5B2J%C2%9B/forged HTTP/1.1');
  await raw(port, `GET /bayeux HTTP/1.1\r\nUpgrade: websocket\r\nOrigin: ${inHeader}\r\nX: y`);
  await raw(port, 'POST /api/publish HTTP/1.1\r\nX-API-Key: wrong\u009b', '{}');
  const api = `POST /api/publish HTTP/1.1\r\nX-API-Key: ${'k'.repeat(40)}`;
  for (const body of [{ channel: forged, data: 1 }, { [forged]: 1 }, { channel: `/${forged}`, data: 1 }])
    await raw(port, api, JSON.stringify(body));
}

// Control characters but for the end of a line, and those that turn the direction of text.
const ruling = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

describe('text that a client sends in place of a name (SEC-11)', () => {
  it.each(['warn', 'trace'])('makes no line of its own in a JSON log of level %s', async (level) => {
    const { port, end } = await start(['--log-format', 'json', '--log-level', level]);
    await attack(port);
    const log = await end();
    expect(log).not.toMatch(ruling);
    const events = log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event);
    expect(new Set(events).size).toBeGreaterThan(5);
    expect(events).not.toContain('forged');
  });

  it('makes no line of its own in a log for people', async () => {
    const { port, end } = await start(['--log-format', 'pretty', '--log-level', 'trace']);
    await attack(port);
    const log = await end();
    expect(log).not.toMatch(ruling);
    const lines = log.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    for (const line of lines)
      expect(line).toMatch(/^(\d\d:\d\d:\d\d\.\d{3} (TRACE|DEBUG|INFO|WARN|ERROR) | {4}at )/);
    expect(lines.filter((line) => /^12:00:00\.000 INFO forged/.test(line))).toEqual([]);
  });
});
