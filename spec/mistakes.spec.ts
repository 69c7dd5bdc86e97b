import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import * as typed from '../src/index.ts';
import { UsageError } from '../src/index.ts';

const yes = (): boolean => true;
const nothing = (): void => {};
const engine = {
  node: 'abcd1234',
  open: async () => {},
  publish: nothing,
  interest: nothing,
  close: async () => {},
};
const store = {
  open: async () => {},
  newest: 0,
  append: nothing,
  read: () => [],
  last: () => [],
  range: () => ({ discardedThrough: 0 }),
  expire: nothing,
  close: async () => {},
};

// biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
type Untyped = any;
const { Server, bayeux }: Untyped = typed;

const opened: Untyped[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

function made(settings?: unknown): Untyped {
  const server = new Server(settings);
  opened.push(server);
  return server;
}

/** What a call fails with, at once or later. */
async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function refuses(call: () => unknown, sentence: string): Promise<void> {
  const error = await failureOf(call);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toBe(sentence);
}

describe('settings', () => {
  it.each<[unknown, string]>([
    [null, 'the settings must be an object, got null: write new Server({ timeout: 30_000 })'],
    [8000, 'the settings must be an object, got 8000: write new Server({ timeout: 30_000 })'],
    [[], 'the settings must be an object, got []: write new Server({ timeout: 30_000 })'],
    [
      createServer(),
      `this is an http.Server or an app: write new Server().attach(httpServer, { path: '/bayeux' })`,
    ],
    [
      express(),
      `this is an http.Server or an app: write new Server().attach(httpServer, { path: '/bayeux' })`,
    ],
    [{ historyy: store }, 'unknown option "historyy"; did you mean "history"?'],
    [{ extension: [] }, 'unknown option "extension"; did you mean "extensions"?'],
    [{ polcy: {} }, 'unknown option "polcy"; did you mean "policy"?'],
    [{ timout: 1 }, 'unknown option "timout"; did you mean "timeout"?'],
    [{ pingInterval: 1 }, 'unknown option "pingInterval"; did you mean "websocket.pingInterval"?'],
    [
      { websocket: { pinginterval: 1 } },
      'unknown option "websocket.pinginterval"; did you mean "websocket.pingInterval"?',
    ],
    [{ websocket: null }, 'websocket must be an object of options, got null'],
    [{ timeout: null }, 'timeout must be a number of milliseconds, got null'],
    [
      { channels: { '/a': { histori: true } } },
      'unknown option channels["/a"].histori; did you mean "history"?',
    ],
    [{ extensions: { name: 'x' } }, 'extensions must be a list of extensions, got {"name":"x"}'],
    [{ extensions: [null] }, 'an extension must be an object, got null'],
    [
      { extensions: [{ name: 'x', incomming: yes }] },
      'the extension "x" has "incomming", which nothing looks for; did you mean "incoming"?',
    ],
    [{ policy: null }, 'the policy must be an object, got null'],
    [
      { policy: {} },
      'the policy has none of canHandshake, canSubscribe, canPublish, canSend: leave it out to allow everything',
    ],
    [
      { policy: { canSubscrib: yes } },
      'the policy has "canSubscrib", which nothing looks for; did you mean "canSubscribe"?',
    ],
    [
      { log: 'debug' },
      'log must be a function or a logger of pino, got "debug": write log: pino(), or log: ({ level, event, ...fields }) => console.log(level, event, fields)',
    ],
    [
      { log: { warn: nothing, error: nothing } },
      'log must be a function or a logger of pino, got {}: write log: pino(), or log: ({ level, event, ...fields }) => console.log(level, event, fields)',
    ],
    [{ trace: 'all' }, 'trace must be true or false, got "all"'],
    [{ clock: {} }, 'the clock has no function "now": it must have now, after, soon'],
    [{ engine: null }, 'the engine must be an object, got null'],
    [{ engine: {} }, 'the engine has no function "open": it must have open, publish, interest, close'],
    [
      { engine: { ...engine, publsh: nothing } },
      'the engine has "publsh", which nothing looks for; did you mean "publish"?',
    ],
    [{ engine: { ...engine, interest: true } }, 'interest of the engine must be a function, got true'],
    [
      { engine: { ...engine, node: 'node 1' } },
      'node of the engine must be 8 letters and digits, got "node 1": write readonly node = newNode()',
    ],
    [{ history: '/var/lib/bayeuxd' }, 'the history store must be an object, got "/var/lib/bayeuxd"'],
    [{ history: true }, 'the history store must be an object, got true'],
    [
      { history: { ...store, apend: nothing } },
      'the history store has "apend", which nothing looks for; did you mean "append"?',
    ],
    [
      { history: { ...store, expire: undefined } },
      'the history store has no function "expire": it must have open, append, read, last, range, expire, close',
    ],
    [
      { history: new Map() },
      'the history store has no function "open": it must have open, append, read, last, range, expire, close',
    ],
  ])('%#: are refused with the fix', async (settings, sentence) => {
    await refuses(() => made(settings), sentence);
  });

  it('may be none, and parts that are made of classes', () => {
    for (const settings of [
      undefined,
      {},
      { engine },
      { history: store },
      { engine: new typed.MemoryEngine() },
    ])
      expect(made(settings).state).toBe('open');
    expect(made({ history: new typed.MemoryHistory(), channels: { '/a': { history: true } } }).state).toBe(
      'open',
    );
    expect(made({ engine: undefined, history: undefined, log: undefined, policy: undefined }).state).toBe(
      'open',
    );
  });
});

class Misspelt {
  node = engine.node;
  open = engine.open;
  publsh = nothing;
  interest = nothing;
  close = engine.close;
}

it('says of an instance of a class which member may be meant', async () => {
  await refuses(
    () => made({ engine: new Misspelt() }),
    'the engine has no function "publish": it must have open, publish, interest, close; is "publsh" a misspelling of it?',
  );
});

it('lets the instance of a class have members with names like those that are looked for', () => {
  const appends: unknown[] = [];
  const history = Object.assign(Object.create({ ...store }), { appends, opened: true });
  expect(made({ history }).state).toBe('open');
});

const onUsage = "write server.on('session.opened', (event) => …)";
const listenUsage = "write server.subscribe('/chat/*', ({ data }) => …)";
const handleUsage = "write server.onCall('/service/sum', ({ data }) => …)";
const publishUsage = "write server.publish('/chat/room', { text: 'hello' })";
const attachUsage = "write server.attach(httpServer, { path: '/bayeux' })";
const upgradesUsage = "write server.attachUpgrades(httpServer, { path: '/bayeux' })";

describe('calls of a server', () => {
  it.each<[(server: Untyped) => unknown, string]>([
    [
      (server) => server.on('connection', nothing),
      'there is no event "connection"; did you mean "session.opened"?',
    ],
    [
      (server) => server.on('session.open', nothing),
      'there is no event "session.open"; did you mean "session.opened"?',
    ],
    [(server) => server.on('publish', nothing), 'there is no event "publish"; did you mean "published"?'],
    [
      (server) => server.on('toString', nothing),
      'there is no event "toString" (there are session.opened, session.closed, channel.subscribed, channel.unsubscribed, published, overflow)',
    ],
    [(server) => server.on(nothing, 'session.opened'), `the name of the event comes first: ${onUsage}`],
    [(server) => server.on(null, nothing), `an event has a name, got null: ${onUsage}`],
    [
      (server) => server.on('published'),
      `the listener of "published" must be a function, got undefined: write server.on('published', (event) => …)`,
    ],
    [
      (server) => server.subscribe(8000),
      `a channel is listened to here: ${listenUsage}; to listen on a port, write httpServer.listen(8000)`,
    ],
    [
      (server) => server.subscribe(nothing, '/a'),
      `the channel comes first, as a text, got a function: ${listenUsage}`,
    ],
    [(server) => server.subscribe('/a', null), `the listener must be a function, got null: ${listenUsage}`],
    [(server) => server.subscribe('a', nothing), '"a" is no channel name or pattern'],
    [
      (server) => server.onCall(nothing, '/service/a'),
      `the channel comes first, as a text, got a function: ${handleUsage}`,
    ],
    [
      (server) => server.onCall('/service/a'),
      `the handler must be a function, got undefined: ${handleUsage}`,
    ],
    [(server) => server.onCall('/a', nothing), 'remote calls go to /service channels, not to "/a"'],
    [
      (server) => server.publish({ text: 'hi' }, '/a'),
      `the channel comes first, as a text, got {"text":"hi"}: ${publishUsage}`,
    ],
    [(server) => server.publish(null, 1), `the channel comes first, as a text, got null: ${publishUsage}`],
    [(server) => server.publish('/a/*', 1), '"/a/*" is not the name of a broadcast channel'],
    [
      async (server) => (await server.localSession()).subscribe(nothing, '/a'),
      `the channel comes first, as a text, got a function: write session.subscribe('/chat/*', ({ data }) => …)`,
    ],
    [
      async (server) => (await server.localSession()).subscribe('/a'),
      `the listener must be a function, got undefined: write session.subscribe('/chat/*', ({ data }) => …)`,
    ],
    [
      async (server) => (await server.localSession()).publish(1, '/a'),
      `the channel comes first, as a text, got 1: write session.publish('/chat/room', { text: 'hello' })`,
    ],
    [
      async (server) => (await server.localSession()).session.deliver({ price: 5 }, '/a'),
      `the channel comes first, as a text, got {"price":5}: write session.deliver('/private/offer', { price: 5 })`,
    ],
    [
      async (server) => (await server.localSession()).session.extend(null),
      'an extension must be an object, got null',
    ],
    [
      (server) => server.attach(express(), { path: '/bayeux' }),
      `this is an app, not an http.Server: make one with httpServer = createServer(app), and ${attachUsage}`,
    ],
    [
      (server) => server.attach('/bayeux', createServer()),
      `the http.Server comes first, then the path: ${attachUsage}`,
    ],
    [
      (server) => server.attach({ path: '/bayeux' }, createServer()),
      `the http.Server comes first, then the path: ${attachUsage}`,
    ],
    [
      (server) => server.attach(createServer()),
      `options with a path are needed, got undefined: ${attachUsage}`,
    ],
    [
      (server) => server.attach(createServer(), { paht: '/bayeux' }),
      'the options has "paht", which nothing looks for; did you mean "path"?',
    ],
    [
      (server) => server.attach(createServer(), { path: 'bayeux' }),
      '"bayeux" is no absolute path, which begins with a slash and has no query: write "/bayeux"',
    ],
    [
      (server) => server.attach(null, { path: '/bayeux' }),
      `an http.Server is needed, got null: ${attachUsage}`,
    ],
    [
      (server) => server.attachUpgrades(createTcpServer(), { path: '/bayeux' }),
      `this is an app, not an http.Server: make one with httpServer = createServer(app), and ${upgradesUsage}`,
    ],
    [
      (server) => server.handler({ paht: '/a' }),
      'the options has "paht", which nothing looks for; did you mean "path"?',
    ],
    [
      () => bayeux(express()),
      `a bayeuxd server is needed, got an app or an http.Server: write app.use('/bayeux', bayeux(new Server()))`,
    ],
  ])('%#: are refused with the fix', async (call, sentence) => {
    await refuses(() => call(made()), sentence);
  });
});
