import { get, type IncomingHttpHeaders, request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Session } from '../../src/core/session.ts';
import type { ServerSettings } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Deferred } from '../../src/lib/deferred.ts';
import type { RequestInfo } from '../../src/ports/conduit.ts';
import type { PolicyRequest } from '../../src/ports/policy.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';
import { type ClusterNode, type ClusterSettings, cluster, startNode } from '../support/cluster.ts';
import { openStream } from '../support/conduits-under-test.ts';
import { start } from '../support/start.ts';
import { settle, until } from '../support/until.ts';
import { WebSocketClient, type Wire } from '../transports/websocket-client.ts';

/** Three nodes, and a session at the first of them. */
async function nodes(settings: ClusterSettings = {}) {
  const [owner, edge, third] = await cluster(3, settings);
  if (owner === undefined || edge === undefined || third === undefined) throw new Error('no nodes');
  return { owner, edge, third };
}

async function away(settings: ClusterSettings = {}, handshake: object = {}) {
  const all = await nodes(settings);
  const clientId = await shakeHands(all.owner.url, handshake);
  return { ...all, clientId, session: sessionOf(all.owner) };
}

function sessionOf({ server }: ClusterNode): Session {
  const [session] = server.sessions;
  if (session === undefined) throw new Error('no session');
  return session;
}

const subscribe = (clientId: string, subscription: string) => ({
  channel: '/meta/subscribe',
  clientId,
  subscription,
});
const publish = (clientId: string, channel: string, data: unknown) => ({ channel, clientId, data });

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request whose headers are all ours. */
function ask(url: string, headers: Record<string, string>, body?: string, method = 'POST') {
  let hangUp = () => {};
  const answer = new Promise<Answer>((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
    hangUp = () => void asked.destroy();
  });
  onTestFinished(() => hangUp());
  return { answer, hangUp };
}

function poll(url: string, ...messages: readonly object[]) {
  const asked = ask(url, { 'Content-Type': 'application/json' }, JSON.stringify(messages));
  let answered: Answer | undefined;
  asked.answer.then(
    (answer) => {
      answered = answer;
    },
    () => {},
  );
  return {
    ...asked,
    get messages(): Wire[] | undefined {
      return answered === undefined ? undefined : JSON.parse(answered.body);
    },
    get status(): number | undefined {
      return answered?.status;
    },
  };
}

const askStream = (url: string, clientId: string) =>
  ask(`${url}/${clientId}`, { Accept: 'text/event-stream' }, undefined, 'GET').answer;

const noDate = ({ date: _date, ...headers }: IncomingHttpHeaders) => headers;

describe('a request that comes to another node than that of its session', () => {
  const settings: ServerSettings = {
    transports: ['long-polling', 'callback-polling', 'eventsource', 'websocket'],
  };

  it.each([
    ['JSON', 'application/json', (text: string) => text],
    ['a form', 'application/x-www-form-urlencoded', (text: string) => `message=${encodeURIComponent(text)}`],
    [
      'a form of several messages',
      'application/x-www-form-urlencoded',
      (text: string) =>
        JSON.parse(text)
          .map((one: object) => `message=${encodeURIComponent(JSON.stringify(one))}`)
          .join('&'),
    ],
  ])('as %s is answered as it is at home', async (_name, type, write) => {
    const { owner, edge, clientId } = await away(settings);
    const body = write(
      JSON.stringify([publish(clientId, '/a', 'ä\u2028'), { id: '7', clientId, channel: '/*' }]),
    );
    const [home, abroad] = [
      await ask(owner.url, { 'Content-Type': type }, body).answer,
      await ask(edge.url, { 'Content-Type': type }, body).answer,
    ];
    expect(abroad.body).toBe(home.body);
    expect([abroad.status, noDate(abroad.headers)]).toEqual([home.status, noDate(home.headers)]);
    expect(JSON.parse(abroad.body)).toMatchObject([{ successful: true }, { successful: false, id: '7' }]);
  });

  it('as a script is answered as it is at home', async () => {
    const { owner, edge, clientId } = await away(settings);
    const message = encodeURIComponent(JSON.stringify([publish(clientId, '/a', '</script>')]));
    const answers = [owner, edge].map(
      ({ url }) => ask(`${url}?jsonp=f&message=${message}`, { Referer: url }, undefined, 'GET').answer,
    );
    const [home, abroad] = await Promise.all(answers);
    expect(abroad?.body).toBe(home?.body);
    expect(noDate(abroad?.headers ?? {})).toEqual(noDate(home?.headers ?? {}));
    expect(abroad?.body).toContain('"successful":true');
  });

  it('is judged by what its client sent', async () => {
    const seen: RequestInfo[] = [];
    const policy = {
      canPublish: ({ request }: { request: RequestInfo }) => {
        seen.push(request);
        return true;
      },
    };
    const { owner, edge, clientId } = await away({ ...settings, policy, trustProxy: ['loopback'] });
    const headers = {
      Host: 'example.com',
      Origin: 'http://example.com',
      Cookie: 'a=1; BAYEUX_BROWSER=abcdefgh',
      Authorization: 'Bearer x',
      'X-Forwarded-For': '203.0.113.9',
    };
    for (const { url } of [owner, edge])
      await ask(`${url}/below?x=1`, headers, JSON.stringify([publish(clientId, '/a', 1)])).answer;
    const [home, abroad] = seen;
    expect(abroad).toEqual(home);
    expect(abroad?.address).toBe('203.0.113.9');
    expect(abroad?.cookies).toEqual({ a: '1', BAYEUX_BROWSER: 'abcdefgh' });
  });

  it('keeps the order of its session', async () => {
    const policy = {
      async canPublish({ message }: PolicyRequest) {
        if ('data' in message && message.data === 0) await settle(5);
        return true;
      },
    };
    const { owner, edge, clientId } = await away({ policy });
    const heard: unknown[] = [];
    owner.server.subscribe('/a', ({ data }) => void heard.push(data));
    const client = await WebSocketClient.open(edge.url);
    const messages = Array.from({ length: 20 }, (_, at) => ({ id: `${at}`, ...publish(clientId, '/a', at) }));
    for (const message of messages) client.send(message);
    await until(() => heard.length === 20);
    expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  it('of an unknown session of a known node is answered 402, and is not forwarded again', async () => {
    const { owner, edge, third, clientId } = await away();
    const [reply] = await post(edge.url, publish(`${clientId.slice(0, -4)}0000`, '/a', 1));
    expect(reply?.error).toBe('402::session_unknown');
    expect([owner, edge, third].map(({ peers }) => peers.load)).toEqual(Array(3).fill({ out: 0, in: 0 }));
  });

  it('of an unknown node is answered 402', async () => {
    const { edge } = await nodes();
    const [reply] = await post(edge.url, publish('nobody0123456789', '/a', 1));
    expect(reply?.error).toBe('402::session_unknown');
  });

  it('with a handshake is refused here, as on one node', async () => {
    const { owner, edge, clientId } = await away();
    const handshake = {
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['long-polling'],
    };
    const replies = await post(edge.url, publish(clientId, '/a', 1), handshake);
    expect(replies.map(({ error }) => error)).toEqual([undefined, '400::handshake_not_alone']);
    expect(owner.server.sessions.size).toBe(1);
  });
});

describe('a batch that fits no frame', () => {
  const large = 'x'.repeat(70_000_000);
  const settings = {
    maxMessageSize: 200_000_000,
    maxFlushBytes: 200_000_000,
    maxIncomingBytes: 4_000_000_000,
  };

  it('is refused with 500, and the link stays', async () => {
    const { edge, owner, clientId } = await away(settings);
    const asked = poll(edge.url, publish(clientId, '/a', large));
    expect((await asked.answer).status).toBe(500);
    expect(edge.logged.find(({ event }) => event === 'link.too_large')?.why).toContain(
      'lower maxMessageSize',
    );
    expect([edge.peers.linked.length, edge.peers.load.out, owner.peers.load.in]).toEqual([2, 0, 0]);
  });

  it('of events goes back to the queue', async () => {
    const { edge, owner, clientId, session } = await away({ ...settings, maxQueueBytes: 1_000_000_000 });
    await post(edge.url, subscribe(clientId, '/a'));
    await owner.server.publish('/a', large);
    const asked = poll(edge.url, connectOf(clientId));
    expect((await asked.answer).status).toBe(500);
    expect([session.waiting, owner.peers.linked.length]).toEqual([1, 2]);
    expect(owner.logged.filter(({ event }) => event === 'link.too_large')).toHaveLength(1);
  });
});

describe('a connect that comes to another node', () => {
  it('is held at home, and answered with the event', async () => {
    const { owner, edge, clientId, session } = await away();
    await post(edge.url, subscribe(clientId, '/a'));
    const held = poll(edge.url, connectOf(clientId));
    await until(() => session.state === 'held');
    await owner.server.publish('/a', 1);
    await held.answer;
    expect(held.messages).toMatchObject([
      { channel: '/a', data: 1 },
      { channel: '/meta/connect', successful: true },
    ]);
    await until(() => owner.peers.load.in === 0 && edge.peers.load.out === 0);
  });

  it('gives way to a newer one that comes to a third', async () => {
    const { edge, third, clientId, session } = await away();
    const older = poll(edge.url, connectOf(clientId));
    await until(() => session.state === 'held');
    const newer = poll(third.url, connectOf(clientId));
    expect((await older.answer).status).toBe(500);
    expect(session.state).toBe('held');
    session.disconnect();
    await newer.answer;
    expect(newer.messages?.map(({ channel }) => channel)).toContain('/meta/connect');
  });

  it('is no longer held when its client hangs up, and what comes then is kept', async () => {
    const { owner, edge, third, clientId, session } = await away();
    await post(edge.url, subscribe(clientId, '/a'));
    const held = poll(edge.url, connectOf(clientId));
    await until(() => session.state === 'held');
    held.hangUp();
    await until(() => session.state === 'idle');
    await owner.server.publish('/a', 1);
    const replies = await post(third.url, connectOf(clientId));
    expect(replies.map(({ data }) => data)).toEqual([1, undefined]);
    await until(() => edge.peers.load.out === 0 && owner.peers.load.in === 0);
  });

  it('ends with 503 when the node of its session closes, and the client is then unknown', async () => {
    const { owner, edge, third, clientId, session } = await away();
    const held = poll(edge.url, connectOf(clientId));
    await until(() => session.state === 'held');
    await owner.stop();
    expect((await held.answer).status).toBe(503);
    for (const { peers } of [edge, third]) peers.setNodes([edge.info, third.info]);
    const [reply] = await post(edge.url, connectOf(clientId));
    expect(reply).toMatchObject({ error: '402::session_unknown', advice: { reconnect: 'handshake' } });
  });

  it('of a disconnect is answered, and so is the disconnect', async () => {
    const { owner, edge, third, clientId, session } = await away();
    const held = poll(edge.url, connectOf(clientId));
    await until(() => session.state === 'held');
    const [reply] = await post(third.url, { channel: '/meta/disconnect', clientId });
    expect(reply?.successful).toBe(true);
    await held.answer;
    expect(held.messages).toMatchObject([{ successful: true, advice: { reconnect: 'none' } }]);
    expect(owner.server.sessions.size).toBe(0);
  });
});

describe('a batch for sessions of several nodes', () => {
  it('is answered together, in the order of its messages', async () => {
    const { owner, edge, third } = await nodes();
    const ids = await Promise.all([owner, edge, third].map(({ url }) => shakeHands(url)));
    const messages = [2, 0, 1, 0].map((at, id) => ({ ...publish(ids[at] ?? '', '/a', id), id: `${id}` }));
    const replies = await post(edge.url, ...messages);
    expect(replies).toMatchObject([0, 1, 2, 3].map((id) => ({ id: `${id}`, successful: true })));
  });

  it('brings the events of the session that connects, and its connect is not held', async () => {
    const { owner, edge, third } = await nodes();
    const ids = await Promise.all([owner, edge, third].map(({ url }) => shakeHands(url)));
    const [first = '', second = '', other = ''] = ids;
    for (const clientId of ids) await post(edge.url, subscribe(clientId, '/a'));
    await owner.server.publish('/a', 'x');
    const replies = await post(edge.url, publish(second, '/b', 1), connectOf(first), publish(other, '/b', 1));
    expect(replies.map(({ channel, data }) => [channel, data])).toEqual([
      ['/b', undefined],
      ['/a', 'x'],
      ['/meta/connect', undefined],
      ['/b', undefined],
    ]);
    for (const [at, node] of [edge, third].entries()) expect([at, sessionOf(node).waiting]).toEqual([at, 1]);
  });

  it('on a socket is answered too', async () => {
    const { owner, edge, third } = await nodes();
    const ids = await Promise.all([owner, edge, third].map(({ url }) => shakeHands(url)));
    const client = await WebSocketClient.open(edge.url);
    client.send(...[0, 1, 2, 0].map((at, id) => ({ ...publish(ids[at] ?? '', '/a', id), id: `${id}` })));
    await until(() => client.messages.length === 4);
    expect(client.messages.map(({ id, successful }) => [id, successful])).toEqual(
      ['0', '1', '2', '3'].map((id) => [id, true]),
    );
  });
});

describe('a socket that opens on another node', () => {
  async function socket(settings: ClusterSettings = {}) {
    const all = await away(settings);
    await post(all.owner.url, subscribe(all.clientId, '/a'));
    const client = await WebSocketClient.open(all.edge.url);
    client.clientId = all.clientId;
    client.hold();
    await until(() => all.session.state === 'held');
    // Its reply comes behind the word that the socket serves the session.
    await client.publish('/elsewhere', 1);
    return { ...all, client };
  }

  it('gets its events pushed through the node of its session, while a connect is held', async () => {
    const { owner, client, session } = await socket();
    for (const n of [1, 2, 3]) await owner.server.publish('/a', n);
    await until(() => client.data('/a').length === 3);
    expect(client.data('/a')).toEqual([1, 2, 3]);
    expect([session.state, session.transport, session.push?.shape]).toEqual(['held', 'websocket', 'socket']);
    expect((await client.publish('/b', 1)).successful).toBe(true);
  });

  it('leaves nothing behind at either node when it closes', async () => {
    const { owner, edge, client, session } = await socket();
    client.socket.destroy();
    await until(() => session.push === undefined);
    expect(session.state).toBe('idle');
    await until(() => owner.peers.load.in === 0 && edge.peers.load.out === 0);
    expect(edge.server.usage.addresses).toBe(0);
  });

  it('takes a session of its own node when it shakes hands there', async () => {
    const { owner, edge, client, session } = await socket();
    await client.handshake();
    await until(() => session.push === undefined);
    await client.connected('/b');
    client.hold();
    await until(() => sessionOf(edge).state === 'held');
    await edge.server.publish('/b', 1);
    await until(() => client.data('/b').length === 1);
    await owner.server.publish('/a', 1);
    await settle();
    expect([session.waiting, client.data('/a')]).toEqual([1, []]);
  });

  it('is left by a session of its own node to one of another that connects on it', async () => {
    const { owner, edge, clientId, session } = await away();
    const client = await WebSocketClient.connected(edge.url, '/b');
    const held = client.hold();
    const own = sessionOf(edge);
    await until(() => own.state === 'held');
    // Any other message leaves the socket to whom it serves.
    client.send({ ...publish(clientId, '/c', 1), id: 'c' });
    await client.reply({ id: 'c', channel: '/c' });
    expect([session.push, own.push?.shape]).toEqual([undefined, 'socket']);
    client.send({ ...connectOf(clientId), connectionType: 'websocket', id: 'other' });
    await until(() => own.push === undefined);
    expect((await client.reply(held)).error).toBe('409::connect_replaced');
    await until(() => session.push?.shape === 'socket');
    await post(owner.url, subscribe(clientId, '/d'));
    await owner.server.publish('/d', 1);
    await until(() => client.data('/d').length === 1);
  });

  it('may not speak for a session of another socket where the options say so', async () => {
    const { edge, clientId } = await away({ websocket: { requireHandshakePerConnection: true } });
    const client = await WebSocketClient.open(edge.url);
    client.send({ ...publish(clientId, '/a', 1), id: '1' });
    expect((await client.reply({ id: '1', channel: '/a' })).error).toBe('402::session_unknown');
  });

  it('that reads nothing leaves its events in the queue of its session', async () => {
    const { owner, client, session, edge } = await socket({ websocket: { maxBufferedBytes: 65_536 } });
    client.socket.pause();
    const text = 'x'.repeat(50_000);
    let count = 0;
    // The system takes some megabytes by itself.
    for (; session.waiting < 20 && count < 2_000; count += 1) {
      await owner.server.publish('/a', text);
      await settle(1);
    }
    expect(session.waiting).toBe(20);
    expect(owner.peers.load.in).toBe(1);
    client.socket.resume();
    await until(() => client.data('/a').length === count);
    expect(session.waiting).toBe(0);
    expect(edge.peers.load.out).toBe(1);
  });

  it('closes with 1013 when the link breaks', async () => {
    const { owner, client } = await socket();
    await owner.peers.close();
    await until(() => client.code !== undefined);
    expect([client.code, client.reason]).toEqual([
      1013,
      'the connection to the node of the session broke; come again in 1 s',
    ]);
  });
});

describe('a stream that opens on another node', () => {
  async function stream() {
    const all = await away({}, { supportedConnectionTypes: ['eventsource'] });
    await post(all.owner.url, subscribe(all.clientId, '/a'));
    const { asked, text } = openStream(`${all.edge.url}/${all.clientId}`);
    onTestFinished(() => void asked.destroy());
    await until(() => text().includes('retry'));
    return { ...all, asked, text };
  }

  it('carries the events of its session', async () => {
    const { owner, session, text } = await stream();
    await owner.server.publish('/a', 1);
    await until(() => text().includes('data: '));
    expect(text()).toBe('retry: 5000\n\ndata: [{"channel":"/a","data":1}]\n\n');
    expect(session.push?.shape).toBe('stream');
  });

  it('leaves nothing behind at either node when it closes', async () => {
    const { owner, edge, asked, session } = await stream();
    asked.destroy();
    await until(() => session.push === undefined);
    await until(() => owner.peers.load.in === 0 && edge.peers.load.out === 0);
  });

  it('brings what waited already', async () => {
    const { owner, edge, clientId } = await away({}, { supportedConnectionTypes: ['eventsource'] });
    await post(owner.url, subscribe(clientId, '/a'));
    await owner.server.publish('/a', 1);
    const { body } = await new Promise<{ body: string }>((resolve) => {
      const asked = get(
        `${edge.url}/${clientId}`,
        { headers: { Accept: 'text/event-stream' } },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (more: string) => {
            body += more;
            if (body.includes('data: ')) {
              asked.destroy();
              resolve({ body });
            }
          });
        },
      );
      asked.on('error', () => {});
    });
    expect(body.startsWith('retry: 5000\n\n')).toBe(true);
  });

  it('of an unknown session is refused with 404', async () => {
    const { edge, clientId } = await away();
    const { status } = await ask(
      `${edge.url}/${clientId.slice(0, -2)}00`,
      { Accept: 'text/event-stream' },
      undefined,
      'GET',
    ).answer;
    expect(status).toBe(404);
  });
});

describe('a node that cannot be reached', () => {
  it('is waited for, and answered for with 503 after five seconds', async () => {
    const clock = new FakeClock();
    const { edge, third } = await nodes({ clock });
    edge.peers.setNodes([{ name: 'GoneGone', link: '127.0.0.1:1' }, third.info]);
    const asked = poll(edge.url, publish('GoneGone0123456789abcdef', '/a', 1));
    await settle(50);
    await clock.tick(4_900);
    expect(asked.status).toBe(undefined);
    await clock.tick(200);
    const { status, body, headers } = await asked.answer;
    expect([status, headers['retry-after']]).toEqual([503, '1']);
    expect(body).toBe(
      'Service unavailable: the node GoneGone cannot be reached: there was no link for 5000 ms',
    );
  });

  it('is waited for by a stream too, which is then refused with 503 and not with 404', async () => {
    const clock = new FakeClock();
    const { edge, third } = await nodes({ clock });
    edge.peers.setNodes([{ name: 'GoneGone', link: '127.0.0.1:1' }, third.info]);
    const asked = askStream(edge.url, 'GoneGone0123456789abcdef');
    await settle(50);
    await clock.tick(5_100);
    const { status, body, headers } = await asked;
    expect([status, headers['retry-after'], body]).toEqual([
      503,
      '1',
      'Service unavailable: the node GoneGone cannot be reached: there was no link for 5000 ms',
    ]);
  });

  it('that leaves meanwhile has no stream either: 404', async () => {
    const clock = new FakeClock();
    const { edge, third } = await nodes({ clock });
    edge.peers.setNodes([{ name: 'GoneGone', link: '127.0.0.1:1' }, third.info]);
    const asked = askStream(edge.url, 'GoneGone0123456789abcdef');
    await settle(50);
    edge.peers.setNodes([third.info]);
    expect((await asked).status).toBe(404);
  });

  it('that leaves meanwhile has lost its sessions: 402', async () => {
    const clock = new FakeClock();
    const { edge, third } = await away({ clock });
    edge.peers.setNodes([{ name: 'GoneGone', link: '127.0.0.1:1' }, third.info]);
    const asked = poll(edge.url, publish('GoneGone0123456789abcdef', '/a', 1));
    await settle(50);
    edge.peers.setNodes([third.info]);
    await asked.answer;
    expect(asked.messages?.map(({ error }) => error)).toEqual(['402::session_unknown']);
  });
});

describe('a node that has left', () => {
  it('is still reached as long as there is a link: its lease may have ended while Redis was away', async () => {
    const { edge, third, clientId } = await away();
    edge.peers.setNodes([edge.info, third.info]);
    const [reply] = await post(edge.url, publish(clientId, '/a', 1));
    expect(reply?.successful).toBe(true);
  });
});

describe('a node that is starting', () => {
  it('answers 503 to handshakes, and for sessions that it does not know yet', async () => {
    const opened = new Deferred<void>();
    const engine = new BusEngine(new Bus(systemClock), {
      settings: { listen: '127.0.0.1:0' },
      clock: systemClock,
    });
    engine.open = () => opened.promise;
    const { url, server } = await start({ engine });
    const handshake = {
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['long-polling'],
    };
    for (const message of [publish('Somebody0123456789abcdef', '/a', 1), handshake]) {
      const { status, body, headers } = await poll(url, message).answer;
      expect([status, headers['retry-after'], body]).toEqual([
        503,
        '1',
        'Service unavailable: this node is starting',
      ]);
    }
    const stream = await askStream(url, 'Somebody0123456789abcdef');
    expect([stream.status, stream.headers['retry-after']]).toEqual([503, '1']);
    opened.resolve();
    await server.open();
    await shakeHands(url);
    const [reply] = await post(url, publish('Somebody0123456789abcdef', '/a', 1));
    expect(reply?.error).toBe('402::session_unknown');
    expect((await askStream(url, 'Somebody0123456789abcdef')).status).toBe(404);
  });
});

it('a new node is reached as soon as there is a link, before the others are told of it', async () => {
  const { edge, third } = await nodes();
  const fresh = await startNode(new Bus(systemClock));
  onTestFinished(() => fresh.stop());
  fresh.peers.setNodes([edge.info]);
  await until(() => fresh.peers.linked.length === 1 && edge.peers.linked.length === 3);
  const clientId = await shakeHands(fresh.url);
  const [reply] = await post(edge.url, publish(clientId, '/a', 1));
  expect(reply?.successful).toBe(true);
  const [elsewhere] = await post(third.url, publish(clientId, '/a', 1));
  expect(elsewhere?.error).toBe('402::session_unknown');
});

it('a node without links is not reached: its sessions are unknown elsewhere', async () => {
  const { edge, third } = await nodes();
  edge.peers.setNodes([{ name: 'Lonesome' }, third.info]);
  const [reply] = await post(edge.url, publish('Lonesome0123456789abcdef', '/a', 1));
  expect(reply?.error).toBe('402::session_unknown');
});

describe('links that are waited for', () => {
  it('are those to all nodes that take any', async () => {
    const bus = new Bus(systemClock);
    const [one, other] = await Promise.all([startNode(bus), startNode(bus)]);
    onTestFinished(async () => {
      await Promise.all([one.stop(), other.stop()]);
    });
    one.peers.setNodes([other.info, { name: 'Lonesome' }]);
    await one.peers.whenLinked(1_000_000);
    expect(one.peers.linked).toEqual([other.info.name]);
  });

  it('are waited for no longer than this', async () => {
    const clock = new FakeClock();
    const { edge } = await nodes({ clock });
    edge.peers.setNodes([{ name: 'GoneGone', link: '127.0.0.1:1' }]);
    let isOver = false;
    void edge.peers.whenLinked(1_000).then(() => {
      isOver = true;
    });
    await clock.tick(999);
    expect(isOver).toBe(false);
    await clock.tick(1);
    expect(isOver).toBe(true);
  });
});
