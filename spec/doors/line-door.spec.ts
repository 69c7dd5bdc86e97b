import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Server, type ServerSettings } from '../../src/index.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { settle, turn, until } from '../support/until.ts';
import { lineDoor } from './line-door.ts';

async function open(settings: ServerSettings = {}) {
  const server = new Server(settings);
  const door = lineDoor(server).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const clients: LineClient[] = [];
  onTestFinished(async () => {
    for (const { socket } of clients) socket.destroy();
    await server.close();
    door.close();
  });
  const { port } = door.address() as AddressInfo;
  const client = async () => {
    const one = new LineClient(port);
    clients.push(one);
    await one.says('OK /meta/handshake');
    return one;
  };
  return { server, client, port };
}

class LineClient {
  readonly socket: Socket;
  lines: string[] = [];
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('utf8').on('error', () => {});
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    let rest = '';
    this.socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
    });
  }

  async ask(line: string, answer: string): Promise<void> {
    this.lines = [];
    this.socket.write(`${line}\n`);
    await this.says(answer);
  }

  /** Waits for a line. */
  async says(line: string): Promise<void> {
    await until(() => this.lines.includes(line), `${line} among ${this.lines.join(' | ')}`);
  }
}

describe('a door that is not Bayeux', () => {
  it('takes part in what Bayeux clients say', async () => {
    const { server, client } = await open();
    const [alice, bob] = [await client(), await client()];
    await alice.ask('SUB /chat/*', 'OK /meta/subscribe');
    await bob.ask('PUB /chat/a {"text":"hello"}', 'OK /chat/a');
    await alice.says('MSG /chat/a {"text":"hello"}');
    await server.publish('/chat/b', 2);
    await alice.says('MSG /chat/b 2');
    await alice.ask('UNSUB /chat/*', 'OK /meta/unsubscribe');
    expect(server.usage.channelNodes).toBe(0);
    await bob.ask('PUB /chat/a {', 'ERR 400::unreadable');
    expect([...server.sessions].map(({ transport }) => transport)).toEqual(['line', 'line']);
  });

  it('is asked for each right, and trusted with none', async () => {
    const asked: string[] = [];
    const note = (right: string) => (question: { channel: string; request: { transport: string } }) => {
      asked.push(`${right} ${question.channel} ${question.request.transport}`);
      return question.channel !== '/secret';
    };
    const policy = {
      canHandshake: note('handshake'),
      canSubscribe: note('subscribe'),
      canPublish: note('publish'),
    };
    const { client } = await open({ policy });
    const alice = await client();
    await alice.ask('SUB /secret', 'ERR 403:/secret:subscribe_denied');
    await alice.ask('PUB /secret 1', 'ERR 403:/secret:publish_denied');
    await alice.ask('SUB /open', 'OK /meta/subscribe');
    expect(asked).toEqual([
      'handshake /meta/handshake line',
      'subscribe /secret line',
      'publish /secret line',
      'subscribe /open line',
    ]);
  });

  it('leaves no session behind 100 ms after its socket died', async () => {
    const { server, client } = await open();
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    const clients = [await client(), await client()];
    await clients[0]?.ask('SUB /a', 'OK /meta/subscribe');
    expect(server.usage.sessions).toBe(2);
    const begun = performance.now();
    for (const { socket } of clients) socket.resetAndDestroy();
    await until(() => server.usage.sessions === 0);
    expect(performance.now() - begun).toBeLessThan(100);
    expect(reasons).toEqual(['left', 'left']);
    expect(server.usage).toMatchObject({ sessions: 0, channelNodes: 0, addresses: 0 });
  });

  it('leaves no session behind when its socket dies while the policy thinks', async () => {
    let allow: ((answer: boolean) => void) | undefined;
    const canHandshake = () =>
      new Promise<boolean>((resolve) => {
        allow = resolve;
      });
    const { server, port } = await open({ policy: { canHandshake } });
    const alice = new LineClient(port);
    await until(() => allow !== undefined);
    alice.socket.destroy();
    await until(() => server.usage.addresses === 0);
    allow?.(true);
    await settle();
    expect(server.usage).toMatchObject({ sessions: 0, addresses: 0 });
  });

  it('is never ended for its silence', async () => {
    const clock = new FakeClock();
    const { server, client } = await open({ clock });
    await client();
    await clock.tick(1e9);
    expect(server.usage.sessions).toBe(1);
  });

  it.each([
    ['disconnect', (_: Server, alice: LineClient) => void alice.socket.write('BYE\n')],
    ['disconnected', (server: Server) => [...server.sessions][0]?.disconnect()],
    ['revoked', (server: Server) => [...server.sessions][0]?.disconnect('revoked')],
    ['shutdown', (server: Server) => server.close()],
  ])('is told the reason at its end: %s', async (reason, end) => {
    const { server, client } = await open();
    const alice = await client();
    void end(server, alice);
    await alice.says(`END ${reason}`);
    await until(() => alice.isClosed);
    expect(server.usage.sessions).toBe(0);
  });

  it('is a slow reader under the rule of the channel, and loses the oldest', async () => {
    const overflow = { action: 'dropOldest', maxEvents: 5 } as const;
    const { server, client } = await open({ channels: { '/a': { overflow } } });
    const alice = await client();
    await alice.ask('SUB /a', 'OK /meta/subscribe');
    alice.socket.pause();
    let dropped = 0;
    server.on('overflow', ({ action }) => {
      expect(action).toBe('dropOldest');
      dropped += 1;
    });
    const text = 'x'.repeat(10_000);
    let published = 0;
    // Kernel buffers are large: it takes some megabytes to fill them.
    for (; dropped < 100; published += 1) {
      await server.publish('/a', { text, published });
      await turn();
    }
    alice.lines = [];
    alice.socket.resume();
    await until(() => alice.lines.at(-1)?.includes(`"published":${published - 1}`) === true);
    expect(alice.lines.length).toBe(published - dropped);
    expect(server.usage.sessions).toBe(1);
  });

  it('is ended when too much waits for it, and told so', async () => {
    const { server, client } = await open({ maxQueue: 20 });
    const alice = await client();
    await alice.ask('SUB /a', 'OK /meta/subscribe');
    alice.socket.pause();
    while (server.usage.sessions > 0) {
      await server.publish('/a', 'x'.repeat(10_000));
      await turn();
    }
    alice.socket.resume();
    await alice.says('END overflow');
  });
});
