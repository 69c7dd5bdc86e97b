import { beforeAll, afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { launch, type Running, run } from '../cli/running-program.ts';
import { cometdDriver } from '../interop/cometd-driver.ts';
import type { Driver } from '../interop/driver.ts';
import { cometd, openFaye } from '../interop/node-clients.ts';
import { tempFolder } from '../support/temp-folder.ts';

const KEY = 'a-key-for-the-planted-faults-only';

const { file } = tempFolder();
const policy = file(
  'policy.mjs',
  `export default {
    canHandshake: ({ message: { ext } }) =>
      ext?.user ? { allow: true, user: ext.user, ...(ext.user === 'xenia' && { maxInterval: 300 }) } : true,
    canSubscribe: ({ channel }) => channel !== '/secret/plans',
  };\n`,
);

let server: Running;
beforeAll(async () => {
  server = await launch(
    [
      ...['--port', '0', '--journal', '--policy', policy],
      ...['--max-queue', '2', '--queue-overflow', 'dropOldest'],
    ],
    { BAYEUXD_API_KEY: KEY },
    /API key/,
  );
});
afterAll(() => server.end('SIGKILL'));

/** Runs `bayeuxd explain`, once, and gives what it prints as one line. */
async function explain(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(['explain', '--url', `${server.url}/api`, ...args], {
    BAYEUXD_API_KEY: KEY,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  if (!args.includes('--json')) expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  return stdout.replaceAll(/\s+/g, ' ');
}

interface CometdSettings {
  readonly path?: string;
  readonly transport?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A CometD client that names its user. */
function client(user: string, { path = '/bayeux', transport, headers }: CometdSettings = {}): Driver {
  const made = new cometd['9.0.0'].CometD();
  made.registerExtension('user', {
    outgoing: (message) => {
      if (message.channel === '/meta/handshake') message.ext = { ...message.ext, user };
      return message;
    },
  });
  const driver = cometdDriver(made, server.url + path, transport);
  if (headers !== undefined) made.configure({ ...made.getConfiguration(), requestHeaders: headers });
  onTestFinished(() => driver.close().catch(() => {}));
  return driver;
}

async function connected(user: string, ...patterns: string[]): Promise<Driver> {
  const driver = client(user);
  await driver.open();
  for (const pattern of patterns) await driver.subscribe(pattern);
  return driver;
}

async function sessionOf(user: string): Promise<string> {
  const response = await fetch(`${server.url}/api/sessions?user=${user}`, { headers: { 'X-API-Key': KEY } });
  const { sessions } = (await response.json()) as { sessions: { id: string }[] };
  return sessions[0]?.id ?? 'none';
}

async function publish(channel: string): Promise<number> {
  const response = await fetch(`${server.url}/api/publish`, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ channel, data: 1 }),
  });
  return ((await response.json()) as { publishId: number }).publishId;
}

/** A client that sends just these messages, one after another, and then is silent. */
async function say(...messages: object[]): Promise<void> {
  let clientId: string | undefined;
  let cookie = '';
  for (const message of messages) {
    const response = await fetch(`${server.url}/bayeux`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(cookie !== '' && { cookie }) },
      body: JSON.stringify({ ...message, ...(clientId !== undefined && { clientId }) }),
    });
    cookie ||= (response.headers.getSetCookie()[0] ?? '').split(';', 1)[0] ?? '';
    const replies = (await response.json()) as { clientId?: string }[];
    clientId ??= replies[0]?.clientId;
  }
}

const hello = (user: string) => ({
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['long-polling'],
  ext: { user },
});
const poll = { channel: '/meta/connect', connectionType: 'long-polling', advice: { timeout: 0 } };

describe('each planted fault is found by one command', () => {
  it('a page of an origin that is not allowed', async () => {
    const olga = client('olga', { transport: 'long-polling', headers: { Origin: 'https://shop.example' } });
    void olga.open().catch(() => {});
    await expect
      .poll(() => explain('--channel', '/chat/room', '--user', 'olga'), { timeout: 5000 })
      .toContain('! Origin https://shop.example is not allowed; add it to "origins".');
  });

  it('a policy that refuses the subscription', async () => {
    const pia = await connected('pia');
    await expect(pia.subscribe('/secret/plans')).rejects.toThrow('403');
    const told = await explain('--channel', '/secret/plans', '--session', await sessionOf('pia'));
    expect(told).toMatch(/! The session \S+ of user pia asked to subscribe and was refused, .*canSubscribe/);
    expect(told).toContain('Look at the policy');
  });

  it('`*` where `**` is meant', async () => {
    await connected('stan', '/chat/*');
    await publish('/chat/a/b');
    const told = await explain('--channel', '/chat/a/b', '--session', await sessionOf('stan'));
    expect(told).toContain(
      'subscribes to /chat/*, which does not match /chat/a/b: "*" stands for exactly one',
    );
    expect(told).toContain('Subscribe to /chat/**.');
    expect(await explain(String(await publish('/chat/a/b')))).toContain('Subscribe to /chat/**.');
  });

  it('a service channel', async () => {
    const bob = await connected('bob', '/service/chat');
    await bob.publish('/service/chat', 'hello');
    const told = await explain('--channel', '/service/chat', '--session', await sessionOf('bob'));
    expect(told).toContain(
      '! /service/chat is a service channel: what clients publish there goes to the server',
    );
    expect(told).toContain('Publish to a broadcast channel such as /chat');
  });

  it('a queue that is full', async () => {
    await say(hello('otto'), poll, { channel: '/meta/subscribe', subscription: '/prices' });
    const session = await sessionOf('otto');
    const ids = [await publish('/prices'), await publish('/prices'), await publish('/prices')];
    const told = await explain('--channel', '/prices', '--session', session);
    expect(told).toContain(`! Publish ${ids[0]} was dropped for the session`);
    expect(told).toContain('Raise "maxQueue" or "maxQueueBytes"');
    expect(told).not.toContain(`Publish ${ids[1]} was dropped`);
    expect(await explain(String(ids[0]))).toMatch(
      /! For session \S+ of user otto: dropped, since "maxQueue"/,
    );
  });

  it('a session that expired', async () => {
    await say(hello('xenia'), poll);
    const session = await sessionOf('xenia');
    await expect.poll(async () => await sessionOf('xenia'), { timeout: 5000 }).toBe('none');
    const told = await explain('--channel', '/chat/room', '--session', session);
    expect(told).toMatch(
      /! The session \S+ of user xenia ended .*: the client was silent for longer than "maxInterval"/,
    );
  });

  it('another mount path', async () => {
    const faye = openFaye(`${server.url}/faye`, 'long-polling');
    void faye.open().catch(() => {});
    onTestFinished(() => void faye.close());
    await expect
      .poll(() => explain('--channel', '/chat/room', '--user', 'mona'), { timeout: 5000 })
      .toContain('! A client asked for /faye, but bayeuxd is mounted on /bayeux.');
  });

  it('upper and lower case', async () => {
    await connected('carl', '/Chat/room');
    await publish('/chat/room');
    const told = await explain('--channel', '/chat/room', '--session', await sessionOf('carl'));
    expect(told).toContain(
      'subscribes to /Chat/room, which does not match /chat/room: upper and lower case differ',
    );
  });
});

describe('where nothing is wrong', () => {
  it('it says so, from the reply to a publish', async () => {
    const [anna, ben] = [await connected('anna', '/fine'), await connected('ben')];
    await ben.publish('/fine', 1);
    await expect.poll(() => anna.heard()).toHaveLength(1);
    const told = await explain('--channel', '/fine', '--session', await sessionOf('anna'));
    expect(told).not.toContain('!');
    expect(told).toMatch(/subscribes to \/fine, which matches/);
    const id = /explain (\d+)/.exec(told)?.[1] ?? '';
    const way = await explain(id);
    expect(way).toMatch(/by session \S+ of user ben, and accepted/);
    expect(way).toMatch(/For session \S+ of user anna: handed over/);
    const json = await explain(id, '--json');
    expect(JSON.parse(json)).toMatchObject({ about: `Publish ${id} to /fine`, channel: '/fine' });
  });
});
