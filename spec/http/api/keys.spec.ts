import { describe, expect, it } from 'vitest';
import {
  type ApiKey,
  type ApiOptions,
  api,
  type LogEvent,
  Server,
  type ServerSettings,
} from '../../../src/index.ts';
import { estimatedBits, WrongKeys } from '../../../src/http/api/key-guard.ts';
import { hashOf } from '../../../src/http/api/key-ring.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { KEY, probe } from './probe.ts';

/** Keys of 128 random bits. */
const text = {
  ci: '0123456789abcdef0123456789abcd01',
  watch: '0123456789abcdef0123456789abcd02',
  boss: '0123456789abcdef0123456789abcd03',
};
const ci: ApiKey = {
  name: 'ci',
  hash: hashOf(text.ci),
  rights: ['publish'],
  channels: ['/ci/**', '/news'],
};
const watch: ApiKey = { name: 'watch', key: text.watch, rights: ['read'], channels: ['/**'] };
const boss: ApiKey = { name: 'boss', hash: hashOf(text.boss), rights: ['admin'] };

async function serve(options: ApiOptions, settings: ServerSettings = {}) {
  const started = await probe(options, settings);
  const heard: string[] = [];
  started.server.on('published', ({ channel }) => heard.push(channel));
  const post = (path: string, key: string | undefined, body: unknown, headers: Record<string, string> = {}) =>
    started.post(path, { key, body, headers });
  const publish = (key: string | undefined, channel = '/news', headers: Record<string, string> = {}) =>
    post('/publish', key, { channel, data: 1 }, headers);
  return { ...started, heard, post, publish };
}

describe('API keys', () => {
  it.each([
    ['ci', '/news', undefined],
    ['ci', '/ci/build/7', undefined],
    ['ci', '/ci', 'the key "ci" may not publish to /ci: its channels are /ci/**, /news'],
    ['ci', '/news/x', 'the key "ci" may not publish to /news/x: its channels are /ci/**, /news'],
    ['ci', '/admin/x', 'the key "ci" may not publish to /admin/x: its channels are /ci/**, /news'],
    ['watch', '/news', 'the key "watch" does not have the right publish: its rights are read'],
    ['boss', '/admin/x', undefined],
    ['single', '/admin/x', undefined],
  ] as const)('%s publishes to %s: %s', async (name, channel, why) => {
    const { publish, heard, events } = await serve({ key: 'a-key', keys: [ci, watch, boss] });
    const { status, body } = await publish({ ...text, single: 'a-key' }[name], channel);
    expect([status, heard]).toEqual(why === undefined ? [200, [channel]] : [403, []]);
    if (why === undefined) return;
    expect(body.detail).toBe(why);
    expect(events.filter(({ event }) => event === 'api.denied')).toMatchObject([
      { level: 'warn', caller: `key ${name}`, why, status: 403 },
    ]);
    for (const key of Object.values(text)) expect(JSON.stringify([events, body])).not.toContain(key);
  });

  it('name at most five of their channels in an answer', async () => {
    const channels = Array.from({ length: 7 }, (_, at) => `/c${at}`);
    const { publish } = await serve({ keys: [{ ...ci, channels }] });
    expect((await publish(text.ci, '/x')).body.detail).toMatch(
      /: its channels are \/c0, .*, \/c4 and 2 more$/,
    );
  });

  it('are the only ones that are taken, by their text and not by their hash', async () => {
    const { publish } = await serve({ keys: [ci] });
    for (const wrong of ['a-key', hashOf(text.ci), hashOf(text.ci).slice('sha256:'.length), `${text.ci}0`])
      expect((await publish(wrong)).status).toBe(401);
  });

  it('that are not random are warned of by name', async () => {
    const { events } = await serve({ keys: [{ ...watch, key: 'correct-horse' }] });
    expect(events).toMatchObject([{ level: 'warn', event: 'api.key_weak', key: 'watch', bits: 36 }]);
    expect(JSON.stringify(events)).not.toContain('correct-horse');
  });

  it.each<[string, readonly unknown[], string]>([
    ['a name', [{ ...ci, name: 'a b' }], 'an API key needs a name of 1 to 64 letters'],
    ['no name', [{ ...ci, name: undefined }], 'an API key needs a name of 1 to 64 letters'],
    ['two of a name', [ci, { ...watch, name: 'ci' }], 'two API keys have the name "ci": rename one'],
    ['the name of the single key', [{ ...ci, name: 'default' }], 'two API keys have the name "default"'],
    ['the same key', [ci, { ...ci, name: 'x' }], 'the API keys "ci" and "x" are the same key'],
    ['a hash', [{ ...ci, hash: 'abc' }], 'keys["ci"].hash must be "sha256:" and 64 hexadecimal digits'],
    ['key and hash', [{ ...ci, key: 'x' }], 'the API key "ci" needs either key or hash'],
    ['neither', [{ ...ci, hash: undefined }], 'the API key "ci" needs either key or hash'],
    ['a right', [{ ...ci, rights: ['write'] }], 'keys["ci"].rights has an entry it may not have, "write"'],
    [
      'no rights',
      [{ ...ci, rights: [] }],
      'the API key "ci" has no right: give it one of publish, read, admin',
    ],
    ['rights left out', [{ ...ci, rights: undefined }], 'keys["ci"].rights is missing'],
    ['a field', [{ ...ci, channel: '/a' }], 'unknown option keys["ci"].channel; did you mean "channels"?'],
    ['no channels', [{ ...ci, channels: [] }], 'has no channels: write channels: ["/**"] for every channel'],
    ['channels left out', [{ ...ci, channels: undefined }], 'has no channels: write channels: ["/**"]'],
    [
      'a pattern',
      [{ ...ci, channels: ['ci/**'] }],
      'the API key "ci" has channels in which "ci/**" is no channel name or pattern',
    ],
    ['a rate', [{ ...ci, rate: 0 }], 'keys["ci"].rate must be between 0.01 and 1000000, got 0'],
    ['channels of admin', [{ ...boss, channels: ['/a'] }], 'which is for every channel: leave channels out'],
    ['many keys', Array.from({ length: 1001 }, () => ci), 'there are 1002 API keys, at most 1000'],
    [
      'many channels',
      [{ ...ci, channels: Array.from({ length: 101 }, (_, at) => `/c${at}`) }],
      'the API key "ci" has 101 channels, at most 100: use patterns',
    ],
  ])('with a mistake are refused: %s', (_, keys, sentence) => {
    const log = () => {};
    expect(() => api(new Server({ log }), { key: 'a-key', keys: keys as ApiKey[] })).toThrow(sentence);
  });

  it('of a function are those that it returns now; a list with a mistake changes nothing', async () => {
    let keys: readonly ApiKey[] = [ci];
    const { publish, events } = await serve({ keys: () => keys });
    const taken = async () => [(await publish(text.ci)).status, (await publish(text.boss)).status];
    expect(await taken()).toEqual([200, 401]);
    keys = [boss];
    expect(await taken()).toEqual([401, 200]);
    keys = [{ ...ci, rights: [] }];
    expect(await taken()).toEqual([401, 200]);
    expect(events.filter(({ event }) => event === 'api.keys_failed')).toMatchObject([
      { level: 'error', error: { message: expect.stringContaining('the API key "ci" has no right') } },
    ]);
    keys = [];
    expect((await publish(text.ci)).body.detail).toMatch(/^the API is closed/);
  });
});

describe('the rate of a key', () => {
  const statuses = async (times: number, send: () => Promise<{ readonly status: number }>) => {
    const all: number[] = [];
    for (let time = 0; time < times; time += 1) all.push((await send()).status);
    return all;
  };

  it.each([1, 3, 7])('lets %i requests a second pass, and says when to come again', async (rate) => {
    const { publish, heard, clock, events } = await serve({ keys: [{ ...ci, rate }, boss] });
    const passed = Array.from({ length: rate }, () => 200);
    expect(await statuses(rate + 2, () => publish(text.ci))).toEqual([...passed, 429, 429]);
    const { body, headers } = await publish(text.ci);
    expect(body).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(body.detail).toBe(
      `the key "ci" may send ${rate} requests a second: send fewer, or raise its rate`,
    );
    expect(headers.get('retry-after')).toBe('1');
    expect(heard.length).toBe(rate);
    expect((await publish(text.boss)).status).toBe(200);
    await clock.tick(1000);
    expect(await statuses(rate + 1, () => publish(text.ci))).toEqual([...passed, 429]);
    expect(events.filter(({ event }) => event === 'api.denied')).toMatchObject([
      { level: 'warn', caller: 'key ci', status: 429, code: 'too_many_requests' },
    ]);
  });

  it('may be less than one a second', async () => {
    const { publish, clock } = await serve({ keys: [{ ...ci, rate: 0.5 }] });
    expect((await publish(text.ci)).status).toBe(200);
    expect((await publish(text.ci)).headers.get('retry-after')).toBe('2');
    await clock.tick(2000);
    expect(await statuses(2, () => publish(text.ci))).toEqual([200, 429]);
  });

  it('counts on when the list of keys is replaced', async () => {
    const { publish } = await serve({ keys: () => [{ ...ci, rate: 2 }] });
    expect(await statuses(3, () => publish(text.ci))).toEqual([200, 200, 429]);
  });

  it('counts every call, and wrong ones too', async () => {
    const { get } = await serve({ keys: [{ ...watch, rate: 2 }] });
    const send = (path: string) => get(path, { key: text.watch });
    expect((await send('/none')).status).toBe(404);
    expect((await send('/history')).status).toBe(400);
    expect((await send('/stats')).status).toBe(429);
  });
});

describe('POST /revoke', () => {
  it('ends the sessions of a user, and the log names the key', async () => {
    const policy = { canHandshake: () => ({ allow: true, user: 'ann' }) as const };
    const { server, post, events } = await serve({ keys: [ci, boss] }, { policy });
    const { session } = await FakeClient.connected(server);
    const { status, body } = await post('/revoke', text.boss, { user: 'ann' });
    expect([status, body, session.state]).toEqual([200, { sessions: 1 }, 'gone']);
    expect(events.filter(({ event }) => event === 'api.revoke')).toEqual([
      { level: 'info', event: 'api.revoke', caller: 'key boss', user: 'ann' },
    ]);
  });

  it.each([
    [text.ci, { user: 'ann' }, 403, 'the key "ci" does not have the right admin: its rights are publish'],
    ['wrong', { user: 'ann' }, 401, expect.stringContaining('the API key is missing or wrong')],
    [text.boss, {}, 400, 'the body must have exactly one of user, tokenId, session'],
    [text.boss, { user: 'a', session: 'b' }, 400, 'the body must have exactly one of user, tokenId, session'],
    [text.boss, { user: 7 }, 400, 'user must be string'],
    [text.boss, { name: 'a' }, 400, '"name" is not a field'],
    [text.boss, { tokenId: 'a' }, 409, expect.stringContaining('this server verifies no tokens')],
  ])('by %s with %j gets %i', async (key, body, status, error) => {
    const { post } = await serve({ keys: [ci, boss] });
    const response = await post('/revoke', key, body);
    expect([response.status, response.body.detail]).toEqual([status, error]);
  });

  it('gets 503 when the list is full', async () => {
    const auth = { secret: 'a secret of at least thirty-two bytes', revocations: { maxEntries: 1 } };
    const { post } = await serve({ keys: [boss] }, { auth });
    expect((await post('/revoke', text.boss, { tokenId: 'a' })).status).toBe(200);
    const { status, body } = await post('/revoke', text.boss, { tokenId: 'b' });
    expect([status, body.detail]).toEqual([503, expect.stringContaining('auth.revocations.maxEntries is 1')]);
  });
});

describe('a key', () => {
  const serveOne = (settings: ServerSettings = {}) => serve({ key: KEY }, settings);

  it.each([
    [{ Authorization: `Bearer ${KEY}` }, 200],
    [{ Authorization: `bearer  ${KEY}` }, 200],
    [{ 'X-API-Key': KEY }, 200],
    [{}, 401],
    [{ Authorization: 'Bearer wrong' }, 401],
    [{ Authorization: `Bearer ${KEY}x` }, 401],
    [{ Authorization: 'Bearer' }, 401],
    [{ Authorization: `Basic ${KEY}` }, 401],
    [{ 'X-API-Key': '' }, 401],
  ])('with %j gets %i', async (headers: Record<string, string>, status) => {
    const { publish, heard } = await serveOne();
    const answer = await publish(undefined, '/news', headers);
    expect([answer.status, heard.length]).toEqual([status, status === 200 ? 1 : 0]);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    if (status === 401) expect(answer.body.detail).toContain('API key');
  });

  it.each([{}, { key: '' }])('that nobody set closes the API, which says how to set one', async (options) => {
    const { publish, heard } = await serve(options);
    const { status, body } = await publish('x');
    expect([status, body.code, heard]).toEqual([403, 'api_closed', []]);
    expect(body.detail).toMatch(/--api-key/);
  });

  it('that is wrong is logged, and never shown there', async () => {
    const { events, publish } = await serveOne();
    expect((await publish('not-the-key')).status).toBe(401);
    expect((await publish(undefined)).status).toBe(401); // No key is no wrong key.
    const wrong = events.filter(({ event }) => event === 'api.key_wrong');
    expect(wrong).toMatchObject([{ level: 'warn', address: '127.0.0.1', count: 1 }]);
    expect(JSON.stringify(events)).not.toContain('not-the-key');
  });

  it('is not even looked at for the rest of a minute after twenty wrong ones', async () => {
    const { clock, events, publish, heard } = await serveOne();
    for (let time = 0; time < 20; time += 1) expect((await publish(`wrong-${time}`)).status).toBe(401);
    await clock.tick(20_500);
    const { status, headers, body } = await publish(KEY);
    expect([status, headers.get('retry-after'), heard]).toEqual([429, '40', []]);
    expect(body.detail).toContain('too many wrong API keys');
    expect(events.filter(({ event }) => event === 'api.key_blocked')).toHaveLength(1);
    await clock.tick(39_500);
    expect((await publish(KEY)).status).toBe(200);
  });

  it('is counted for the address that showed it', async () => {
    const { publish } = await serveOne({ trustProxy: 1 });
    const show = (key: string, headers: Record<string, string>) => publish(key, '/news', headers);
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    for (let time = 0; time < 20; time += 1) await show('wrong', from(`[2001:db8::${time}]:${time}`));
    expect((await show(KEY, from('2001:db8::ffff'))).status).toBe(429);
    expect((await show(KEY, from('2001:db8:1::1'))).status).toBe(200);
    expect((await show(KEY, from('203.0.113.1'))).status).toBe(200);
  });

  it('that is wrong is remembered of so many addresses only, and for a minute', () => {
    const wrong = new WrongKeys(100);
    for (let address = 0; address < 1000; address += 1) wrong.add(`10.0.0.${address}`, address);
    expect(wrong.size).toBe(100);
    for (let time = 0; time < 20; time += 1) wrong.add('10.0.0.999', 1000);
    expect([wrong.wait('10.0.0.999', 1000), wrong.size]).toEqual([59_999, 100]);
    wrong.add('other', 60_998);
    expect([wrong.wait('10.0.0.999', 60_998), wrong.size]).toEqual([1, 2]);
    wrong.add('other', 60_999);
    expect([wrong.wait('10.0.0.999', 60_999), wrong.size]).toEqual([0, 1]);
  });

  it('that stands for one that was left out is none', () => {
    expect(() => api(new Server(), { key: '<redacted>' })).toThrow(/stands for a key that was left out/);
  });

  it.each([
    ['0123456789abcdef0123456789abcdef', 128],
    ['123e4567-e89b-42d3-a456-426614174000', 128],
    ['Zm9vYmFyYmF6cXV4MTIzNA', 130],
    ['correct-horse', 36],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 0],
  ])('%s is random by %i bits at most', async (shown, bits) => {
    expect(Math.floor(estimatedBits(shown))).toBe(bits);
    const events: LogEvent[] = [];
    api(new Server({ log: (event) => events.push(event) }), { key: shown });
    expect(events.map(({ event, bits: said }) => [event, said])).toEqual(
      bits < 128 ? [['api.key_weak', bits]] : [],
    );
    expect(JSON.stringify(events)).not.toContain(shown);
  });
});
