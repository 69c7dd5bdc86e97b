import fc from 'fast-check';

/** Stands for the clientId of a live session; put in its place when the text is sent. */
const LIVE = /"live:(\d+)"/g;

const liveId = fc.nat({ max: 9 }).map((at) => `live:${at}`);
const clientId = fc.oneof(
  { weight: 8, arbitrary: liveId },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('dead', '', null, 7, {}, [], '__proto__') },
);
const metaChannel = fc.constantFrom(
  ...[
    'handshake',
    'connect',
    'connect',
    'subscribe',
    'unsubscribe',
    'disconnect',
    'Connect',
    'subscribe/x',
    '',
  ].map((name) => `/meta/${name}`),
);
const plainChannel = fc.constantFrom(
  ...[
    '/a',
    '/a/b',
    '/a/*',
    '/**',
    '/service/x',
    '/service',
    '/__proto__',
    '/constructor/prototype',
    '/a b',
    '/é',
  ],
  ...['a', '/', '', '//', '/a/', `/${'x'.repeat(300)}`, '/a'.repeat(40)],
);
const channel = fc.oneof({ weight: 3, arbitrary: metaChannel }, { weight: 3, arbitrary: plainChannel });
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, [], {}, -1, 1e308, '\u2028</script>'),
);
const id = fc.oneof(fc.nat(), fc.constantFrom<unknown>('1', '', 0, null, {}, [], true, 'x'.repeat(200)));
const poison = JSON.parse(
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
) as object;

const valid = {
  id,
  channel,
  clientId,
  version: fc.constantFrom<unknown>('1.0', '1', 1, '2.0', 'x', null),
  minimumVersion: fc.constantFrom<unknown>('1.0', '1.0beta', '9'),
  supportedConnectionTypes: fc.constantFrom<unknown>(
    ['long-polling'],
    ['websocket', 'eventsource'],
    [],
    ['x', 1],
    'x',
  ),
  connectionType: fc.constantFrom<unknown>(
    'long-polling',
    'websocket',
    'eventsource',
    'callback-polling',
    'flash',
    1,
  ),
  advice: fc.oneof(
    fc.constant({ timeout: 0 }),
    fc.constantFrom<unknown>({ timeout: 1 }, { interval: -1 }, [], poison),
  ),
  subscription: fc.oneof(plainChannel, fc.array(plainChannel, { maxLength: 3 }), value),
  data: value,
  ext: fc.oneof(fc.dictionary(fc.constantFrom('ack', 'replay', 'binary', 'x'), value), fc.constant(poison)),
};

/** One message: mostly right, often with something missing, sometimes with something strange in it. */
const message = fc
  .tuple(
    fc.record(valid, { requiredKeys: ['channel', 'clientId'] }),
    fc.dictionary(fc.constantFrom(...Object.keys(valid), 'evil', 'successful', 'error'), value, {
      maxKeys: 2,
    }),
    fc.boolean(),
  )
  .map(([fields, strange, spoilt]) => (spoilt ? { ...fields, ...strange } : fields));

const rightChannel = fc.constantFrom('/a', '/a/b', '/b');
const rightPattern = fc.constantFrom('/a', '/a/*', '/**', '/b');

/** One message as a client in order would send it. */
const right = fc.oneof(
  fc.record({ id, channel: rightChannel, clientId: liveId, data: value }),
  fc.record({ id, channel: fc.constant('/meta/subscribe'), clientId: liveId, subscription: rightPattern }),
  fc.record({ id, channel: fc.constant('/meta/unsubscribe'), clientId: liveId, subscription: rightPattern }),
  fc.record({
    id,
    channel: fc.constant('/meta/connect'),
    clientId: liveId,
    connectionType: fc.constant('long-polling'),
  }),
);

const handshake = fc.constant({
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: ['long-polling'],
});
const deep = fc
  .constantFrom(70, 1000, 100_000)
  .map((depth) => `[{"channel":"/a","data":${'['.repeat(depth)}${']'.repeat(depth)}}]`);

/** Texts that a server may be sent: batches, and what once was one. Deep nests are long: `short` leaves them out. */
export function batches({ short = false } = {}): fc.Arbitrary<string> {
  const batch = fc.oneof(
    { weight: 2, arbitrary: handshake },
    { weight: 4, arbitrary: right },
    { weight: 4, arbitrary: message },
    { weight: 6, arbitrary: fc.array(fc.oneof(message, right), { minLength: 1, maxLength: 4 }) },
  );
  const text = batch.map((one) => JSON.stringify(one));
  const mutated = fc
    .tuple(text, fc.nat(), fc.nat({ max: 3 }), fc.constantFrom('', '"', '}', '[', '\u0000', '1', ','))
    .map(
      ([whole, at, cut, put]) =>
        whole.slice(0, at % whole.length) + put + whole.slice((at % whole.length) + cut),
    );
  return fc.oneof(
    { weight: 20, arbitrary: text },
    { weight: 4, arbitrary: mutated },
    { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
    ...(short ? [] : [{ weight: 1, arbitrary: deep }]),
  );
}

/** Puts the clientIds of the latest live sessions in their places. */
export function bring(text: string, live: readonly string[]): string {
  return text.replace(LIVE, (_all, at: string) => JSON.stringify(live.at(-1 - Number(at)) ?? 'none'));
}

/** What is wrong with an answer to a batch; undefined when nothing is. */
export function faultOf(answer: readonly unknown[]): string | undefined {
  if (answer.length === 0) return 'an empty answer (MSG-4)';
  for (const one of answer) {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return 'not a message';
    if ('data' in one) {
      if (!('channel' in one)) return 'an event without a channel';
      if ('clientId' in one || 'advice' in one) return 'an event with more than it may have (SEC-1)';
    } else if (!('successful' in one) || typeof one.successful !== 'boolean')
      return 'neither event nor reply (MSG-5)';
    else if (!one.successful && !('error' in one && /^\d{3}:[^:]*:[a-z_]+$/.test(String(one.error)))) {
      return 'a failure without an error that can be read (ERR-1)';
    }
    if (JSON.stringify(one).includes('polluted') && !('data' in one))
      return 'an echo of what was not asked for (MSG-8)';
  }
  return undefined;
}
