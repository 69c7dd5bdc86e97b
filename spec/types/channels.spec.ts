import { describe, expect, expectTypeOf, it } from 'vitest';
import { bayeux, type DataOf, Server } from '../../src/index.ts';

interface Channels {
  '/chat/*': { text: string };
  '/chat/lobby': { text: string; at: number };
  '/prices/**': number;
  '/prices/*': string;
  '/service/sum': readonly number[];
}

const room: string = 'blue';
const typed = () => new Server<Channels>();

describe('the data of a channel has the type', () => {
  it('of the entry that matches most closely', () => {
    expectTypeOf<DataOf<Channels, '/chat/lobby'>>().toEqualTypeOf<{ text: string; at: number }>();
    expectTypeOf<DataOf<Channels, '/chat/blue'>>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<DataOf<Channels, '/prices/eur'>>().toEqualTypeOf<string>();
    expectTypeOf<DataOf<Channels, '/prices/eur/usd'>>().toEqualTypeOf<number>();
    expectTypeOf<DataOf<Channels, `/chat/${string}`>>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<DataOf<Channels, '/prices/eur/*'>>().toEqualTypeOf<number>();
  });

  it('unknown where no entry matches, where the pattern is wider, and where the name is no literal', () => {
    expectTypeOf<DataOf<Channels, '/news'>>().toBeUnknown();
    expectTypeOf<DataOf<Channels, '/chat/blue/red'>>().toBeUnknown();
    expectTypeOf<DataOf<Channels, '/chat/**'>>().toBeUnknown();
    expectTypeOf<DataOf<Channels, '/**'>>().toBeUnknown();
    expectTypeOf<DataOf<Channels, string>>().toBeUnknown();
  });
});

describe('a server that is told what its channels carry', () => {
  it('takes nothing else, and hears nothing else', async () => {
    const server = typed();
    const heard: string[] = [];
    const received: string[] = [];
    server.subscribe('/chat/*', ({ data }) => heard.push(data.text));
    server.onCall('/service/sum', ({ data }) => data.reduce((sum, n) => sum + n, 0));
    const session = await server.localSession();
    await session.subscribe('/chat/blue', ({ data }) => received.push(data.text));

    await server.publish('/chat/blue', { text: 'one' });
    await server.publish(`/chat/${room}`, { text: 'two' });
    await session.publish('/chat/blue', { text: 'three' });
    // @ts-expect-error: the text is missing.
    await server.publish('/chat/green', {});
    // @ts-expect-error: a text is no number.
    await server.publish('/prices/eur/usd', '1.08');
    // @ts-expect-error: a text is no list of numbers.
    await session.publish('/service/sum', 'five');
    await expect.poll(() => received).toEqual(['one', 'two', 'three']);
    expect(heard).toEqual(['three']);
  });

  it('can be given wherever a server is taken', () => {
    const server: Server = typed();
    expectTypeOf(bayeux).toBeCallableWith(typed());
    expect(server).toBeInstanceOf(Server);
  });
});

describe('a server that is told nothing', () => {
  it('takes and hears anything', async () => {
    const server = new Server();
    const heard: unknown[] = [];
    server.subscribe('/a', ({ data }) => {
      expectTypeOf(data).toBeUnknown();
      heard.push(data);
    });
    const session = await server.localSession();
    await session.publish('/a', { anything: 1 });
    expect(heard).toEqual([{ anything: 1 }]);
  });
});
