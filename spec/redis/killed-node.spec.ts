import { expect, it } from 'vitest';
import { type Running, serve } from '../cli/running-program.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { type Wire, WebSocketClient } from '../transports/websocket-client.ts';
import { describeWithRedis } from './cluster.ts';
import { dumpOf, keysOf } from './dump.ts';

const TIMEOUT = 6000;
const MAX_INTERVAL = 6000;

/** How soon the keys of a node that was killed are gone. Milliseconds. */
const GONE = { timeout: 2 * (TIMEOUT + MAX_INTERVAL), interval: 200 };

/** All ids of a node begin with its name, which has so many characters. */
const NODE_LENGTH = 8;

const HANDSHAKES = 20;

describeWithRedis('a node that is killed', (cluster) => {
  const start = (...more: string[]): Promise<Running> =>
    serve([
      ...['--redis', cluster().redis.url, '--redis-namespace', cluster().keys.prefix.slice(1, -2)],
      ...['--timeout', String(TIMEOUT), '--max-interval', String(MAX_INTERVAL)],
      ...['--max-sessions-per-browser', '-1', ...more],
    ]);
  const urlOf = ({ url }: Running): string => `${url}/bayeux`;
  const isOfNode = (key: string): boolean => !/:(meta|h:.*|hi|hc|hf)$/.test(key);

  const subscribed = async (node: Running): Promise<WebSocketClient> =>
    WebSocketClient.connected(urlOf(node), '/chat/*');

  /** The fields of a reply that tell a client what to do next. */
  const told = ([reply]: readonly Wire[]) => ({ error: reply?.error, advice: reply?.advice });

  it('sends its sessions to others, paced, which notice nothing; its keys go', async () => {
    const [a, b, c] = [await start(), await start('--limits-handshakes', String(HANDSHAKES)), await start()];
    const lost = await Promise.all(Array.from({ length: 60 }, () => shakeHands(urlOf(a))));
    const name = lost[0]?.slice(0, NODE_LENGTH) ?? '';
    await subscribed(a);
    const [publisher, reader] = [await subscribed(b), await subscribed(c)];
    expect((await dumpOf(cluster())).join('\n')).toContain(name);

    await a.end('SIGKILL');
    const killed = performance.now();
    let longest = 0;
    for (let count = 0; count < 100; count += 1) {
      const began = performance.now();
      expect(await publisher.publish('/chat/x', count)).toMatchObject({ successful: true });
      longest = Math.max(longest, performance.now() - began);
    }
    expect(longest).toBeLessThan(1000);

    const connect = (clientId: string) => post(urlOf(b), connectOf(clientId, { advice: { timeout: 0 } }));
    // 503 until the lease of the node ends.
    const answered = () => connect(lost[0] ?? '').catch(({ message }: Error) => message.slice(0, 3));
    await expect.poll(answered, { timeout: 10_000, interval: 100 }).not.toBe('503');
    for (const clientId of lost)
      expect(told(await connect(clientId))).toMatchObject({
        error: '402::session_unknown',
        advice: { reconnect: 'handshake' },
      });
    const began = performance.now();
    const times = await Promise.all(
      lost.map(async () => {
        const handshake = {
          channel: '/meta/handshake',
          version: '1.0',
          supportedConnectionTypes: ['long-polling'],
        };
        expect((await post(urlOf(b), handshake))[0]).toMatchObject({ successful: true });
        return performance.now() - began;
      }),
    );
    // No second has more than 1.1 times the rate, so that so many take this long at least.
    expect(Math.max(...times)).toBeGreaterThan((1000 * (lost.length - 1.1 * HANDSHAKES)) / HANDSHAKES);

    await expect.poll(async () => (await dumpOf(cluster())).join('\n'), GONE).not.toContain(name);
    expect(performance.now() - killed).toBeLessThan(GONE.timeout);
    await expect.poll(() => reader.data('/chat/x').length).toBe(100);
    expect(reader.data('/chat/x')).toEqual(Array.from({ length: 100 }, (_, at) => at));
    expect(reader.messages.filter(({ ext }) => JSON.stringify(ext ?? {}).includes('gap'))).toEqual([]);
    await Promise.all([b.end(), c.end()]);
    await expect.poll(async () => (await keysOf(cluster())).filter(isOfNode), GONE).toEqual([]);
  }, 60_000);

  it('leaves nothing but meta and history once a later node came and left, though it was the last one', async () => {
    const config = ['--channels', JSON.stringify({ '/chat/**': { history: true } })];
    const last = await start(...config);
    const client = await subscribed(last);
    await client.publish('/chat/x', 1);
    await last.end('SIGKILL');
    expect((await keysOf(cluster())).filter(isOfNode)).not.toEqual([]);

    const later = await start(...config);
    const others = async () =>
      (await dumpOf(cluster())).filter((line) => line.includes(client.clientId.slice(0, NODE_LENGTH)));
    await expect.poll(others, GONE).toEqual([]);
    await later.end();
    await expect.poll(async () => (await keysOf(cluster())).filter(isOfNode), GONE).toEqual([]);
    expect(await keysOf(cluster())).toContain(cluster().keys.history('/chat/x'));
  }, 60_000);
});
