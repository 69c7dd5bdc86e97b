import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, onTestFinished } from 'vitest';
import type { ServerSettings } from '../../../src/index.ts';
import { FakeClient } from '../../support/fake-client.ts';
import { KEY, type Probe, probe } from './probe.ts';

/** A request as it goes out. */
interface Odd {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const reads = [
  '/history',
  '/channels',
  '/sessions',
  '/users',
  '/stats',
  '/me',
  '/presence',
  '/openapi.json',
  '/sessions/SESSION',
];
const acts = [
  '/publish',
  '/publish',
  '/publish',
  '/deliver',
  '/sessions/SESSION/deliver',
  '/disconnect',
  '/revoke',
];
const pairOf = (verbs: readonly string[], paths: readonly string[]) =>
  fc.tuple(fc.constantFrom(...verbs), fc.constantFrom(...paths));
const call = fc.oneof(
  { weight: 8, arbitrary: pairOf(['GET'], reads) },
  { weight: 12, arbitrary: pairOf(['POST'], acts) },
  {
    weight: 2,
    arbitrary: pairOf(
      ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE'],
      [...reads, ...acts, '/none', '/'],
    ),
  },
);
const channel = fc.oneof(
  fc.constantFrom(
    '/a',
    '/d/1',
    '/d/**',
    '/**',
    '/a/*',
    '/meta/connect',
    '/service/x',
    '',
    '/',
    '//',
    'a',
    '/a b',
  ),
  fc.constantFrom(
    '/__proto__',
    '/constructor',
    '/é',
    '/\ud800',
    '/a'.repeat(20),
    `/${'x'.repeat(300)}`,
    '/numbers',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, [], {}, -1, 1e308, 9e15, 0.5, '', 'SESSION', 'ann', true),
);
const names = [
  ...['channel', 'channels', 'events', 'data', 'ext', 'lazy', 'volatile', 'user', 'session', 'tokenId'],
  ...[
    'pattern',
    'after',
    'limit',
    'last',
    'transport',
    'address',
    '__proto__',
    'constructor',
    'toString',
    '',
    'x',
  ],
];
const poison = '{"__proto__":{"polluted":1},"channel":"/a","data":{"__proto__":{"polluted":1}}}';
const content = { data: value, ext: value, lazy: value, volatile: value };
const event = fc.oneof(
  fc.record({ channel: fc.constantFrom('/a', '/a/b', '/d/1'), data: value }),
  fc.record({ channel, ...content }, { requiredKeys: ['channel', 'data'] }),
);
const body = fc.oneof(
  { weight: 4, arbitrary: event },
  { weight: 2, arbitrary: fc.record({ channels: fc.array(channel, { maxLength: 4 }), data: value }) },
  { weight: 2, arbitrary: fc.record({ events: fc.array(fc.oneof(event, value), { maxLength: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.dictionary(fc.constantFrom(...names), fc.oneof(channel, value), { maxKeys: 3 }),
  },
  { weight: 1, arbitrary: value },
);
const json = body.map((made) => JSON.stringify(made) ?? '');
const deep = fc
  .constantFrom(70, 1000, 50_000)
  .map((levels) => `{"channel":"/a","data":${'['.repeat(levels)}${']'.repeat(levels)}}`);
const mutated = fc
  .tuple(json, fc.nat(), fc.nat({ max: 3 }), fc.constantFrom('', '"', '}', '[', '\u0000', '\ufeff', '1', ','))
  .map(([whole, at, cut, put]) => {
    const place = at % (whole.length + 1);
    return whole.slice(0, place) + put + whole.slice(place + cut);
  });
const text_ = fc.oneof(
  { weight: 8, arbitrary: json },
  { weight: 2, arbitrary: mutated },
  { weight: 1, arbitrary: fc.oneof(deep, fc.constant(poison), fc.string({ unit: 'binary' })) },
);
const parameter = fc.tuple(
  fc.constantFrom(...names),
  fc.oneof(
    channel,
    fc.constantFrom('1', '0', '1000', '99999999999999999', '-1', '1.5', 'NaN', 'ann'),
    fc.string(),
  ),
);
const query = fc
  .array(parameter, { maxLength: 3 })
  .map((pairs) =>
    pairs.map(([name, text]) => `${name}=${encodeURIComponent(Buffer.from(text).toString())}`).join('&'),
  );
const ending = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('', '', '?channel=/d/1', '?limit=1', '?limit=1&after=a') },
  { weight: 6, arbitrary: query.map((made) => (made === '' ? '' : `?${made}`)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/', '/x', '%', '%zz', '%00', '/..', '?%ff=%', '?a&b=&=c', '?channel', ';x'),
  },
);
const key = fc.oneof(
  { weight: 20, arbitrary: fc.constant<readonly (readonly [string, string])[]>([['X-API-Key', KEY]]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<readonly (readonly [string, string])[]>(
      [],
      [['Authorization', `Bearer ${KEY}`]],
      [['Authorization', 'Bearer a.b.c']],
      [['X-API-Key', 'wrong']],
    ),
  },
);
const type = fc.oneof(
  { weight: 12, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'text/plain',
      'application/json; charset=',
      'application/json; charset=utf-16',
      'x',
    ),
  },
);
const header = fc.constantFrom<readonly [string, string]>(
  ['Idempotency-Key', 'one'],
  ['Idempotency-Key', '"two"'],
  ['Idempotency-Key', 'a b'],
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'x'],
  ['Accept', 'x'],
  ['X-Forwarded-For', ',,'],
  ['__proto__', 'x'],
);

const odd: fc.Arbitrary<Odd> = fc
  .tuple(call, ending, key, type, fc.array(header, { maxLength: 2 }), text_)
  .map(([[verb, route], end, keys, mediaType, more, made]) => ({
    method: verb,
    path: route + end,
    headers: [...keys, ['Content-Type', mediaType], ...more],
    body: verb === 'POST' || verb === 'PUT' || verb === 'PATCH' ? made : '',
  }));

const settings: ServerSettings = {
  channels: { '/d/**': { history: true }, '/numbers': { schema: { type: 'number' } } },
  auth: { secret: 'a secret of at least thirty-two bytes', anonymous: true },
  maxMessageSize: 200_000,
};

/** Sends so many odd requests. Each must get an answer that the document of the API has, and none a 5xx. Returns the statuses. */
export async function sendOdd(count: number): Promise<Map<string, number>> {
  const started = await probe({ key: KEY }, settings);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const counts = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(odd, async (made) => {
      const status = await answered(made, started, agent);
      counts.set(String(status), (counts.get(String(status)) ?? 0) + 1);
    }),
    { numRuns: count },
  );
  expect(started.events.filter(({ level }) => level === 'error')).toEqual([]);
  return counts;
}

async function answered({ method, path, headers, body }: Odd, started: Probe, agent: Agent): Promise<number> {
  const { server, document, clock } = started;
  if (server.sessions.size === 0) await FakeClient.open(server);
  const [session] = server.sessions;
  const named = (text: string) => text.replaceAll('SESSION', session?.id ?? '');
  const answer = await ask(`${started.url}${named(path)}`, method, headers, named(body), agent);
  expect(answer.status).toBeLessThan(500);
  document.check(method, named(path), answer);
  // Wrong keys are counted for a minute.
  if (answer.status === 429) await clock.tick(60_000);
  return answer.status;
}

async function ask(url: string, method: string, headers: Odd['headers'], body: string, agent: Agent) {
  const { origin } = new URL(url);
  const sent = request(origin, { agent, method, path: url.slice(origin.length) });
  for (const [name, value] of headers) sent.setHeader(name, value);
  sent.end(body);
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('no response');
  const content = await text(response);
  const type = String(response.headers['content-type']);
  const parsed: unknown = content === '' ? undefined : JSON.parse(content);
  return { status: response.statusCode ?? 0, headers: new Headers({ 'content-type': type }), body: parsed };
}
