import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask } from '../../src/cli/ask/ask.ts';
import type { AskFlags, AskName } from '../../src/cli/ask/commands.ts';
import { cellsOf } from '../../src/cli/ask/table.ts';
import { ArgumentError } from '../../src/cli/client-error.ts';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import {
  type ApiKey,
  type Engine,
  type NodeStatus,
  type Peers,
  Server,
  type ServerSettings,
} from '../../src/index.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { KEY, probe } from '../http/api/probe.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';
import { FakeClient } from '../support/fake-client.ts';
import { listening } from '../support/start.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { run } from './running-program.ts';

const { file } = tempFolder();
const execFileAsync = promisify(execFile);
const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));
const little: ApiKey = { name: 'little', key: 'a-key-that-publishes', rights: ['publish'], channels: ['/a'] };
const channels = { '/chat/**': { history: true, presence: true } } as const;

/** A server whose clients are these users, and the program to ask it. */
async function asked(users: readonly string[] = [], settings: ServerSettings = {}) {
  const left = [...users];
  const policy = {
    canHandshake: () => ({ allow: true, user: { id: left.shift() ?? '', info: { team: 'red' } } }) as const,
  };
  const started = await probe({ key: KEY, keys: [little] }, { channels, policy, ...settings });
  const clients: FakeClient[] = [];
  for (const _ of users) clients.push(await FakeClient.open(started.server));
  const env = { BAYEUXD_API_KEY: KEY, BAYEUXD_URL: started.url };
  const bayeuxd = (...args: string[]) => run(args, env);
  /** What it prints when it is done. */
  const printed = async (...args: string[]) => {
    const { status, stdout, stderr } = await bayeuxd(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return stdout.trimEnd().split('\n');
  };
  return { ...started, clients, ids: clients.map(({ session }) => session.id), env, bayeuxd, printed };
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

/** Runs a command in this process, as on a terminal of 80 columns. */
function onTerminal(
  env: Readonly<Record<string, string>>,
  name: AskName,
  argument?: string,
  flags: AskFlags = {},
) {
  const lines: string[] = [];
  const clock = new FakeClock();
  const stop = new AbortController();
  const print = (line: string) => void lines.push(line);
  const done = ask(name, argument, flags, {
    ...{ env, clock, terminal: 80, print, say: print },
    interrupted: () => stop.signal,
  });
  return { lines, clock, done, stop };
}

describe('bayeuxd sessions', () => {
  it('lists sessions in columns, and cuts nothing where the output is no terminal', async () => {
    const long = `${'a-very-long-name'.repeat(4)}@example.com`;
    const { printed, ids } = await asked(['ann', long]);
    const [title = '', ...rows] = await printed('sessions');
    expect(title.split(/ {2,}/)).toEqual([
      'SESSION',
      'USER',
      'TRANSPORT',
      'STATE',
      'ADDRESS',
      'WAITS',
      'SUBS',
    ]);
    expect(rows.map((row) => row.split(/ {2,}/).slice(0, 2)).toSorted()).toEqual(
      [
        [ids[0], 'ann'],
        [ids[1], long],
      ].toSorted(),
    );
    for (const row of rows) expect(row.length).toBe(title.length);
  });

  it('prints each as a line of JSON, as the API has it', async () => {
    const { printed, get } = await asked(['ann', 'bob']);
    const { body } = await get('/sessions', { key: KEY });
    expect(parsed(await printed('sessions', '--json'))).toEqual(body.sessions);
  });

  it('takes the filters of the API', async () => {
    const { printed, clients, ids } = await asked(['ann', 'bob', 'bob']);
    await clients[2]?.subscribe('/news');
    const found = async (...args: string[]) =>
      parsed(await printed('sessions', '--json', ...args))
        .map(({ id }) => id)
        .toSorted();
    expect(await found('--user', 'ann')).toEqual([ids[0]]);
    expect(await found('--user', 'bob')).toEqual(ids.slice(1).toSorted());
    expect(await found('--user', 'bob', '--channel', '/news')).toEqual([ids[2]]);
    expect(await found('--limit', '2')).toHaveLength(2);
  });

  it('shows one', async () => {
    const { printed, clients, ids } = await asked(['ann']);
    await clients[0]?.subscribe(['/news', '/chat/*']);
    const lines = await printed('sessions', ids[0] ?? '');
    expect(lines).toContain(`id             ${ids[0]}`);
    expect(lines).toContain('info           team  red');
    const at = lines.indexOf('subscriptions  /chat/*');
    expect(lines[at + 1]).toBe('               /news');
    expect(JSON.parse((await printed('sessions', ids[0] ?? '', '--json'))[0] ?? '')).toMatchObject({
      id: ids[0],
    });
  });

  it('says when there is none, which is no error for a list', async () => {
    const { bayeuxd } = await asked();
    expect(await bayeuxd('sessions')).toEqual({
      status: 0,
      stdout: '',
      stderr: 'bayeuxd: there is no such session\n',
    });
    expect(await bayeuxd('sessions', 'none')).toEqual({
      status: 3,
      stdout: '',
      stderr: 'bayeuxd: no open session has this id: it may have ended\n',
    });
  });

  it('fits the terminal, whatever the names are, and writes no control characters', async () => {
    const names = ['x'.repeat(200), '日本語'.repeat(30), 'a\u001b[31mb', 'ann'];
    const { env, clients } = await asked(names);
    for (const client of clients) await client.subscribe(`/${'deep/'.repeat(30)}end`);
    for (const [name, argument] of [['sessions'], ['users'], ['channels'], ['users', 'ann']] as const) {
      const { lines, done } = onTerminal(env, name, argument);
      await done;
      expect(lines.filter((line) => cellsOf(line) > 80)).toEqual([]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
      expect(lines.join('\n')).not.toMatch(/\u001b/);
    }
    const { lines, done } = onTerminal(env, 'users');
    await done;
    expect(lines.filter((line) => line.includes('…'))).toHaveLength(2);
  });
});

describe('bayeuxd users, channels and presence', () => {
  it('list what there is', async () => {
    const { printed, clients } = await asked(['ann', 'bob', 'bob']);
    for (const client of clients) await client.subscribe('/chat/news');
    await clients[0]?.subscribe('/chat/*');
    expect(await printed('users')).toEqual(['USER  SESSIONS', 'ann          1', 'bob          2']);
    expect(await printed('users', 'bob')).toHaveLength(3);
    expect(await printed('channels', '/chat/*')).toEqual([
      ...['CHANNEL     SESSIONS', '/chat/*            1', '/chat/news         3'],
    ]);
    const [title, first] = await printed('presence', '/chat/news');
    expect(title).toMatch(/^USER {2}SESSIONS +FOR {2}INFO$/);
    expect(first).toMatch(/^ann +1 +\w+ {2}\{"team":"red"\}$/);
  });

  it('say when there is nothing', async () => {
    const { bayeuxd } = await asked();
    const ends = async (...args: string[]) => {
      const { status, stderr } = await bayeuxd(...args);
      return [status, stderr.trim()];
    };
    expect(await ends('users')).toEqual([0, 'bayeuxd: no user has a session']);
    expect(await ends('users', 'ann')).toEqual([3, 'bayeuxd: the user ann has no session']);
    expect(await ends('channels')).toEqual([0, 'bayeuxd: nobody subscribes']);
    expect(await ends('presence', '/chat/a')).toEqual([0, 'bayeuxd: nobody is present in /chat/a']);
    expect(await ends('presence', '/other')).toEqual([
      1,
      expect.stringContaining('answered 404: presence is not'),
    ]);
  });
});

describe('bayeuxd history', () => {
  it('prints the newest events, oldest first', async () => {
    const { printed, server } = await asked();
    for (let at = 0; at < 25; at += 1) await server.publish('/chat/a', { at });
    const data = async (...args: string[]) =>
      parsed(await printed('history', '/chat/a', '--json', ...args)).map(({ data }) => data.at);
    expect(await data()).toEqual(Array.from({ length: 20 }, (_, at) => at + 5));
    expect(await data('--last', '2')).toEqual([23, 24]);
    const rows = await printed('history', '/chat/a', '--last', '1');
    expect(rows[0]?.trim().split(/ +/)).toEqual(['ID', 'AGE', 'CHANNEL', 'DATA']);
    expect(rows[1]).toMatch(/^\d{16} +\w+ {2}\/chat\/a {2}\{"at":24\}$/);
  });

  it('reads all pages after an id', async () => {
    const { printed, server } = await asked([], {
      channels: { '/chat/**': { history: { maxEvents: 5000 } } },
    });
    for (let at = 0; at < 2300; at += 1) await server.publish('/chat/a', at);
    const events = parsed(await printed('history', '/chat/a', '--after', '0', '--json'));
    expect(events.map(({ data }) => data)).toEqual(Array.from({ length: 2300 }, (_, at) => at));
    const { id } = events[2000];
    expect(await printed('history', '/chat/a', '--after', String(id), '--json')).toHaveLength(299);
    expect(await printed('history', '/chat/a', '--after', '0', '--limit', '1500', '--json')).toHaveLength(
      1500,
    );
  });
});

describe('bayeuxd disconnect', () => {
  it('ends a session or those of a user, and says so', async () => {
    const { printed, ids, server } = await asked(['ann', 'bob', 'bob']);
    expect(await printed('disconnect', ids[0] ?? '')).toEqual(['ended 1 session']);
    expect(await printed('disconnect', '--user', 'bob')).toEqual(['ended 2 sessions']);
    expect(server.sessions.size).toBe(0);
  });

  it('ends with code 3 where there is none', async () => {
    const { bayeuxd } = await asked();
    expect(await bayeuxd('disconnect', 'x')).toEqual({
      status: 3,
      stdout: '',
      stderr: 'bayeuxd: no open session has the id x: nothing was ended\n',
    });
    expect(await bayeuxd('disconnect', '--user', 'ann', '--json')).toEqual({
      status: 3,
      stdout: '{"sessions":0}\n',
      stderr: 'bayeuxd: the user ann has no session: nothing was ended\n',
    });
  });
});

describe('bayeuxd stats', () => {
  it('shows every count of the API', async () => {
    const { printed, get } = await asked(['ann']);
    const { body } = await get('/stats', { key: KEY });
    expect(JSON.parse((await printed('stats', '--json'))[0] ?? '')).toEqual(body);
    const lines = await printed('stats');
    expect(lines).toContain('sessions            1');
    expect(lines).toContain('waiting handshakes  0');
    expect(lines).toHaveLength(Object.keys(body).length - 1 + Object.keys(body.ended).length);
    expect(lines).toContainEqual(expect.stringMatching(/^at {18}\d{4}-\d\d-\d\dT/));
    expect(lines).toContain('publish to flush    -');
  });

  it('prints a line every few seconds until it is interrupted', async () => {
    const { env, server } = await asked(['ann']);
    const { lines, clock, done, stop } = onTerminal(env, 'stats', undefined, { watch: '5' });
    await until(() => lines.length === 2 && clock.pending === 1);
    await FakeClient.open(server);
    await clock.tick(4999);
    expect(clock.pending).toBe(1);
    await clock.tick(1);
    await until(() => lines.length === 3 && clock.pending === 1);
    expect(lines[0]).toMatch(/^TIME +STATE +SESSIONS +CHANNELS +ADDRESSES +WAITING +REFUSED$/);
    expect(lines.slice(1).map((line) => line.split(/ +/)[2])).toEqual(['1', '2']);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    stop.abort();
    await done;
    expect(clock.pending).toBe(0);
  });
});

describe('bayeuxd nodes', () => {
  const own = { formats: [1, 1] as const, waiting: 0, failures: 0, reconnects: 0 };

  function engineOf(nodes: readonly NodeStatus[]): Engine {
    const status = () => ({ ...own, lag: { entries: 0, ms: 0 }, sinceBeat: 400 });
    const peers: Peers = { nodes: [], linked: ['Bbbbbbbb'], ask: () => new Promise(() => {}), serve() {} };
    return Object.assign(new MemoryEngine(), { status, nodes: () => nodes, peers });
  }

  it('lists the nodes, as the API has them', async () => {
    const others = [{ node: 'Bbbbbbbb' }, { node: 'Cccccccc', state: 'away', sessions: 7 }] as const;
    const { printed, get, server } = await asked(['ann'], { engine: engineOf(others) });
    const { body } = await get('/nodes', { key: KEY });
    expect(parsed(await printed('nodes', '--json'))).toEqual(body.nodes);
    const [title = '', ...rows] = await printed('nodes');
    expect(title).toMatch(/^NODE +VERSION +FORMATS +STATE +SESSIONS +LAG +LATE +BEAT +LINK *$/);
    expect(rows.map((row) => row.trimEnd().split(/ +/))).toEqual([
      [server.node, expect.any(String), '1-1', 'open', '1', '0', '0s', '0s', 'this'],
      ['Bbbbbbbb', '-', '-', '-', '-', '-', '-', '-', 'yes'],
      ['Cccccccc', '-', '-', 'away', '7', '-', '-', '-', 'no'],
    ]);
  });

  it('fits 80 columns, and writes no control characters', async () => {
    const clock = new FakeClock();
    const node: NodeStatus = {
      ...{ node: 'Bbbbbbbb', version: '10.20.30-beta.4', state: 'draining', sessions: 123_456 },
      ...{ formats: [1, 12], lag: { entries: 99_999, ms: 59_000 }, sinceBeat: 3_900 },
      trouble: { why: `OOM command not allowed\u001b[31m ${'x'.repeat(180)}`, at: clock.now() - 240_000 },
    };
    const { env } = await asked([], { engine: engineOf([node]), clock });
    const { lines, done } = onTerminal(env, 'nodes');
    await done;
    expect(lines).toHaveLength(4);
    expect(lines.slice(0, 3).filter((line) => cellsOf(line) > 80)).toEqual([]);
    expect(lines.join('')).not.toContain('\u001b');
    expect(lines[3]).toMatch(/^Bbbbbbbb had trouble 4m ago: OOM command not allowed/);
  });
});

describe('a command that asks a node of a cluster', () => {
  it('says once when another node does not answer, and shows the others', async () => {
    const bus = new Bus();
    const { bayeuxd, server } = await asked(['ann', 'ann'], { engine: new BusEngine(bus) });
    // Answers at once, and of another version.
    const stranger = new Server({ engine: new BusEngine(bus), log: () => {} });
    await stranger.open();
    onTestFinished(() => stranger.close());
    for (const args of [['users'], ['sessions', '--limit', '1'], ['stats'], ['users', 'ann', '--json']])
      expect(await bayeuxd(...args)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(args[0] === 'stats' ? 'sessions ' : 'ann'),
        stderr: 'bayeuxd: a node of the cluster did not answer: its part is missing\n',
      });
    expect(server.nodes.others).toEqual([stranger.node]);
  });
});

describe('a command that asks a server', () => {
  it('takes the key from a flag, a file or a variable, and says which of them is wrong', async () => {
    const { url } = await asked();
    const right = file('key', `${KEY}\n`);
    const wrong = file('wrong', 'a-wrong-key\n');
    const failure = async (env: Readonly<Record<string, string>>, flags: AskFlags = {}) => {
      const { done } = onTerminal({ BAYEUXD_URL: url, ...env }, 'stats', undefined, flags);
      return done.catch((error: Error) => error.message);
    };
    const unknown = (from: string) =>
      `the server answered 401: it does not know the key of ${from}: give another with --key, --key-file or BAYEUXD_API_KEY`;
    expect(await failure({}, { key: KEY })).toBeUndefined();
    expect(await failure({}, { keyFile: right })).toBeUndefined();
    expect(await failure({ BAYEUXD_API_KEY_FILE: right })).toBeUndefined();
    expect(await failure({ BAYEUXD_API_KEY: 'wrong-key' }, { key: KEY })).toBeUndefined();
    expect(await failure({}, { key: 'wrong' })).toBe(unknown('--key'));
    expect(await failure({}, { keyFile: wrong })).toBe(unknown('--key-file'));
    expect(await failure({ BAYEUXD_API_KEY: 'wrong-key' })).toBe(unknown('BAYEUXD_API_KEY'));
    expect(await failure({ BAYEUXD_API_KEY_FILE: wrong })).toBe(unknown('BAYEUXD_API_KEY_FILE'));
    expect(await failure({}, { key: little.key ?? '' })).toBe(
      'the server answered 403: the key "little" does not have the right read: its rights are publish; give another key with --key, --key-file or BAYEUXD_API_KEY',
    );
  });

  it('says how long to wait when its key sent too many requests', async () => {
    const { url } = await probe({ keys: [{ name: 'slow', key: KEY, rights: ['admin'], rate: 0.1 }] });
    const send = () => run(['stats', '--url', url, '--key', KEY]);
    expect((await send()).status).toBe(0);
    expect(await send()).toMatchObject({
      status: 1,
      stderr:
        'bayeuxd: the server answered 429: the key "slow" may send 0.1 requests a second: send fewer, or raise its rate; try again in 10 s\n',
    });
  });

  it.each<[AskName, string | undefined, AskFlags, string]>([
    [
      'stats',
      undefined,
      { url: 'localhost' },
      '"localhost" is no http or https address, such as http://127.0.0.1:8000/api',
    ],
    [
      'stats',
      undefined,
      { key: 'a', keyFile: 'b' },
      '--key and --key-file exclude each other: leave one out',
    ],
    [
      'stats',
      undefined,
      { keyFile: '/none' },
      '--key-file: /none cannot be read: there is no such file; correct the path',
    ],
    ['stats', undefined, { key: '' }, '--key has no key of visible ASCII characters without spaces'],
    ['stats', undefined, { watch: '0' }, '--watch must be a whole number from 1 to 86400, got "0"'],
    [
      'sessions',
      'x',
      { user: 'ann' },
      'the id of a session says which one to show: leave the other flags out',
    ],
    ['sessions', '', {}, 'the argument of sessions must not be empty'],
    ['sessions', undefined, { limit: '0' }, '--limit must be a whole number of at least 1, got "0"'],
    ['disconnect', undefined, {}, 'give the id of a session, or --user with the name of a user'],
    ['disconnect', 'x', { user: 'ann' }, 'give the id of a session, or --user with the name of a user'],
    ['history', '/a', { last: '5', after: '1' }, '--last excludes --after and --limit: leave one out'],
    ['history', '/a', { limit: '5' }, '--limit goes with --after; for the newest events write --last'],
    ['history', '/a', { last: '1001' }, '--last must be a whole number from 1 to 1000, got "1001"'],
  ])('refuses %s %s %j before it asks', async (name, argument, flags, sentence) => {
    const { done } = onTerminal(
      { BAYEUXD_API_KEY: KEY, BAYEUXD_URL: 'http://127.0.0.1:2/api' },
      name,
      argument,
      flags,
    );
    const error = await done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error).toHaveProperty('message', sentence);
  });

  it('ends with code 1 where nothing listens, and with 2 for a wrong command line', async () => {
    const env = { BAYEUXD_API_KEY: KEY, BAYEUXD_URL: 'http://127.0.0.1:2/api' };
    expect(await run(['stats'], env)).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'bayeuxd: cannot reach http://127.0.0.1:2 (ECONNREFUSED): nothing listens there; start it, or correct the port\n',
    });
    expect(await run(['sessions', '--limit', 'x'], env)).toMatchObject({ status: 2, stdout: '' });
    expect(await run(['presence'], env)).toMatchObject({ status: 2, stdout: '' });
  });

  it('explain ends with code 3 for a publish that the journal does not know', async () => {
    const { bayeuxd } = await asked([], { journal: true });
    expect(await bayeuxd('explain', '999')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^bayeuxd: the journal knows no publish with this id/),
    });
  });

  it('publish takes its key from a file, too', async () => {
    const { url, server, bayeuxd } = await asked();
    const heard: string[] = [];
    server.on('published', ({ channel }) => heard.push(channel));
    const send = (name: string, key: string) =>
      bayeuxd('publish', `${url}/publish`, '/a', '1', '--key-file', file(name, key));
    expect(await send('right', `${KEY}\n`)).toMatchObject({ status: 0, stdout: 'published to /a\n' });
    expect(await send('bad', 'wrong-key')).toMatchObject({ status: 1 });
    expect(heard).toEqual(['/a']);
  });

  it('prints events that publish takes', async () => {
    const { url, server, env } = await asked();
    for (const data of [{ a: 1 }, 'text', null]) await server.publish('/chat/a', data);
    const { stdout } = await run(['history', '/chat/a', '--json'], env);
    const publish = execFileAsync(process.execPath, [bin, 'publish', `${url}/publish`, '-', '--key', KEY]);
    publish.child.stdin?.end(stdout);
    expect((await publish).stdout).toBe('published 3 events\n');
    const { events = [] } = (await server.history('/chat/a')) ?? {};
    expect(events.map(({ data }) => data)).toEqual([{ a: 1 }, 'text', null, { a: 1 }, 'text', null]);
  });

  it('asks for a key', async () => {
    const sentence = 'a key of the HTTP API is needed: give --key or --key-file, or set BAYEUXD_API_KEY';
    expect(await run(['stats'])).toEqual({ status: 2, stdout: '', stderr: `bayeuxd: ${sentence}\n` });
  });

  it.each([
    ['', (url: string) => `${url} is not the HTTP API: its address may be ${url}/api`],
    ['/api', (url: string) => `${url}/api is not the HTTP API`],
  ])('says when an address%s is not that of the API', async (path, sentence) => {
    const url = await listening(
      createServer((_request, response) => response.writeHead(404).end('nothing here')),
    );
    const { status, stderr } = await run(['stats', '--url', url + path, '--key', KEY]);
    expect([status, stderr]).toEqual([1, `bayeuxd: ${sentence(url)}\n`]);
  });
});
