import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import type { Server } from '../../src/index.ts';
import type { Driver } from '../interop/driver.ts';
import { type CometdVersion, openCometd, openFaye } from '../interop/node-clients.ts';
import { type Hosting, host } from '../interop/host.ts';
import { eventually } from './eventually.ts';
import { HttpClient } from './http-client.ts';

const MESSAGES = Number(process.env.LOSSY_MESSAGES ?? 10_000);
const SHARE = 0.05;

/** Destroys the socket of a share of the responses that carry events, at the moment they are written: before they have finished. */
function lossy(): { front: RequestHandler; destroyed: () => number } {
  let carried = 0;
  let destroyed = 0;
  const front: RequestHandler = (_req, res, next) => {
    const { write, socket } = res;
    res.write = ((...args: Parameters<typeof write>) => {
      const carries = typeof args[0] === 'string' && args[0].includes('"data":');
      if (carries) carried += 1;
      if (carries && socket !== null && carried % (1 / SHARE) === 0) {
        destroyed += 1;
        breakOff(socket);
      }
      return write.apply(res, args);
    }) as typeof write;
    next();
  };
  return { front, destroyed: () => destroyed };
}

// Half of them before a byte was written, half of them after, while those bytes still wait.
function breakOff(socket: Socket): void {
  if (Math.random() < 0.5) {
    socket.destroy();
    return;
  }
  // The answer uncorks once.
  socket.cork();
  socket.cork();
  setImmediate(() => void socket.destroy());
}

/** Publishes them all, never far ahead of the client: every few messages are another poll. */
async function publish(server: Server, heard: () => number): Promise<void> {
  for (let at = 0; at < MESSAGES; at += 1) {
    await server.publish('/a', at);
    if (at - heard() > 12) await eventually(() => at - heard() < 4, `message ${at} arrives`, 300_000);
  }
}

const everything = Array.from({ length: MESSAGES }, (_, at) => at);

async function lossyHost(): Promise<{ made: Hosting; destroyed: () => number }> {
  const { front, destroyed } = lossy();
  const made = await host({}, { front: [front] });
  return { made, destroyed };
}

/** A client that only connects, again and again; what breaks, it tries again at once. */
async function rawClient(url: string, heard: unknown[]): Promise<() => void> {
  let open = true;
  const client = new HttpClient(url, 2);
  const [welcome] = await client.post({
    channel: '/meta/handshake',
    version: '1.0',
    supportedConnectionTypes: ['long-polling'],
  });
  const clientId = String(welcome?.clientId);
  await client.post({ channel: '/meta/subscribe', clientId, subscription: '/a' });
  const loop = async (): Promise<void> => {
    let failed = true;
    for (let id = 0; open; id += 1) {
      const connect = { id, channel: '/meta/connect', clientId, connectionType: 'long-polling' };
      try {
        const messages = await client.post(failed ? { ...connect, advice: { timeout: 0 } } : connect);
        heard.push(...messages.filter((one) => 'data' in one).map(({ data }) => data));
        failed = false;
      } catch {
        failed = true;
      }
    }
  };
  void loop();
  return () => {
    open = false;
    client.close();
  };
}

async function through(driver: Driver): Promise<{ heard: () => unknown[]; close: () => Promise<void> }> {
  await driver.open();
  await driver.subscribe('/a');
  const heard = () => (driver.heard() as { data: unknown }[]).map(({ data }) => data);
  return { heard, close: () => driver.close() };
}

describe(`${MESSAGES} messages, while ${100 * SHARE} % of the polls break off`, () => {
  it('reach a plain client in order, none lost, none twice', async () => {
    const { made, destroyed } = await lossyHost();
    const heard: unknown[] = [];
    const stop = await rawClient(made.url, heard);
    await publish(made.server, () => heard.length);
    await eventually(() => heard.length >= MESSAGES, 'all have arrived');
    stop();
    expect(destroyed()).toBeGreaterThan(MESSAGES / 500);
    expect(heard).toEqual(everything);
  });

  it.each(['9.0.0', '8.0.11', '7.0.19'] satisfies CometdVersion[])(
    'reach the client of CometD %s',
    async (version) => {
      const { made, destroyed } = await lossyHost();
      const { heard, close } = await through(openCometd(version, made.url, 'long-polling'));
      await publish(made.server, () => heard().length);
      await eventually(() => heard().length >= MESSAGES, 'all have arrived', 300_000);
      await close();
      expect(destroyed()).toBeGreaterThan(MESSAGES / 500);
      expect(heard()).toEqual(everything);
    },
  );

  it('reach the client of Faye', async () => {
    const { made, destroyed } = await lossyHost();
    const { heard, close } = await through(openFaye(made.url, 'long-polling'));
    await publish(made.server, () => heard().length);
    await eventually(() => heard().length >= MESSAGES, 'all have arrived', 300_000);
    await close();
    expect(destroyed()).toBeGreaterThan(MESSAGES / 500);
    expect(heard()).toEqual(everything);
  });
});
