import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ask, launch, serve } from '../cli/running-program.ts';
import { freePort } from '../support/free-port.ts';
import { close } from '../interop/columns.ts';
import { openFaye } from '../interop/node-clients.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWithRedis } from './cluster.ts';

const patience = { timeout: 10_000, interval: 20 };

describeWithRedis('the program with Redis', (cluster) => {
  const { folder } = tempFolder();
  const flags = () => [
    '--redis',
    cluster().redis.url,
    '--redis-namespace',
    cluster().keys.prefix.slice(1, -2),
  ];

  it('is one server with others, and leaves nothing of its own in Redis', async () => {
    const [a, b] = [await serve([...flags(), '--api-key', 'test-key-1']), await serve(flags())];
    const client = openFaye(`${b.url}/bayeux`, 'websocket');
    onTestFinished(() => close(client));
    await client.open();
    await client.subscribe('/chat/*');
    const { status } = await ask(`${a.url}/api/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer test-key-1' },
      body: JSON.stringify({ channel: '/chat/x', data: 'hello' }),
    });
    expect(status).toBe(200);
    await expect
      .poll(async () => (await client.heard()).map(({ data }) => data), patience)
      .toEqual(['hello']);
    await close(client);
    expect([await a.end(), await b.end()]).toEqual([0, 0]);
    const left = await cluster().send('KEYS', `${cluster().keys.prefix.replace(/[{}]/g, '?')}*`);
    const keep = /:(meta|h:.*|hi|hc|hf)$/;
    expect(Array.isArray(left) ? left.filter((key: string) => !keep.test(key)) : left).toEqual([]);
  });

  it.each([
    ['over links', (name: string) => ['--cluster-listen', join(folder, name)]],
    ['through Redis', () => []],
  ])(
    'takes requests for sessions of other nodes %s, until their node is killed and its lease ends',
    async (_how, more) => {
      const start = (name: string) => serve([...flags(), ...more(name)]);
      const [a, b] = [await start('a'), await start('b')];
      const ask = async (clientId: string) => {
        const connect = connectOf(clientId, { advice: { timeout: 0 } });
        const [reply] = await post(`${b.url}/bayeux`, connect).catch((error: Error) => [
          { error: error.message },
        ]);
        return reply;
      };
      const clientId = await shakeHands(`${a.url}/bayeux`);
      expect(await ask(clientId)).toMatchObject({ successful: true });
      await a.end('SIGKILL');
      expect((await ask(clientId))?.error).toMatch(/^503 |^402:/);
      await expect.poll(() => ask(clientId), patience).toMatchObject({ error: '402::session_unknown' });
      // Its socket file, if it had one, is still there.
      const again = await start('a');
      expect(await ask(await shakeHands(`${again.url}/bayeux`))).toMatchObject({ successful: true });
    },
  );

  it('does not start where another node has its address, and says so', async () => {
    const listen = ['--cluster-listen', join(folder, 'taken')];
    await serve([...flags(), ...listen]);
    const starting = launch(['--port', '0', ...flags(), ...listen]);
    await expect(starting).rejects.toThrow('--cluster-listen: cluster.listen:');
  });

  it('takes the users of a process that is killed off presence lists when its lease ends', async () => {
    const [a, b] = [await serve(flags()), await serve(flags())];
    // For a while after the first node no node is taken for dead.
    await cluster().send('HSET', cluster().keys.meta, 'up', '0');
    const viewer = openFaye(`${a.url}/bayeux`, 'websocket');
    onTestFinished(() => close(viewer));
    await viewer.open();
    const told = async () => (await viewer.heard()).map(({ data }) => shown(data));
    await viewer.subscribe('/presence/chat/room');
    await expect.poll(told, patience).toEqual(['snapshot 0']);
    await subscribeAt(`${b.url}/bayeux`, '/chat/room');
    await expect.poll(told, patience).toEqual(['snapshot 0', 'join 1']);
    await b.end('SIGKILL');
    const killed = performance.now();
    await expect.poll(told, patience).toEqual(['snapshot 0', 'join 1', 'leave 0']);
    // Lease, a beat of the other, and room for a busy machine.
    expect(performance.now() - killed).toBeLessThan(7000);
    await close(viewer);
    expect(await a.end()).toBe(0);
    const left = async () => {
      const keys = await cluster().send('KEYS', `${cluster().keys.prefix.replace(/[{}]/g, '?')}*`);
      const keep = /:(meta|h:.*|hi|hc|hf)$/;
      return Array.isArray(keys) ? keys.filter((key: string) => !keep.test(key)) : keys;
    };
    // The mark of the node that swept last ends by itself.
    await expect.poll(left, patience).toEqual([]);
  }, 60_000);

  it('waits for a Redis that is not there, says why, and ends when it is told to', async () => {
    const port = await freePort();
    const args = ['--port', String(port), '--redis', 'redis://127.0.0.1:1', '--log-format', 'json'];
    const program = await launch(args, {}, /engine\.away/);
    onTestFinished(() => void program.end('SIGKILL'));
    const ready = () => ask(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    await expect.poll(ready, patience).toMatchObject({ status: 503 });
    expect((await ready())?.body).toContain('starting');
    expect(program.stderr()).toMatch(/"why":"[^"]*ECONNREFUSED[^"]*"/);
    expect(program.stdout()).toBe('');
    expect(await program.end()).toBe(0);
  });

  it('does not start on a Redis that may discard keys, and says what to set', async () => {
    await cluster().send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    onTestFinished(
      async () => void (await cluster().send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')),
    );
    const starting = launch(['--port', '0', ...flags()]);
    await expect(starting).rejects.toThrow('--redis: this Redis may discard any key');
  });
});

function shown(data: unknown): string {
  const { type, total } = data as { type: string; total: number };
  return `${type} ${total}`;
}

/** Opens a session by long-polling, which subscribes and then says nothing more. */
async function subscribeAt(url: string, subscription: string): Promise<void> {
  const send = async (message: object) => {
    const headers = { 'content-type': 'application/json' };
    const { body } = await ask(url, { method: 'POST', headers, body: JSON.stringify([message]) });
    const [reply] = JSON.parse(body);
    expect(reply).toMatchObject({ successful: true });
    return reply;
  };
  const supportedConnectionTypes = ['long-polling'];
  const { clientId } = await send({ channel: '/meta/handshake', version: '1.0', supportedConnectionTypes });
  await send({ channel: '/meta/subscribe', clientId, subscription });
}
