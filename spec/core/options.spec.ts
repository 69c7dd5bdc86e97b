import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Given } from '../../src/options/table.ts';
import { type NamedOption, optionRows } from '../../src/options/table.ts';
import { optionTable, type ResolvedOptions, readOptions, resolveOptions } from '../../src/server-options.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';
import { nearest } from '../../src/lib/did-you-mean.ts';
import { UsageError } from '../../src/lib/usage-error.ts';

const connectionTypes = [
  'websocket',
  'eventsource',
  'long-polling',
  'cross-origin-long-polling',
  'callback-polling',
];

// The digest's section 8, by hand, so that the table cannot drift from it.
const defaults = {
  timeout: 30_000,
  interval: 0,
  maxInterval: 15_000,
  maxLazyTimeout: 5_000,
  writeDelay: 0,
  maxClientInterval: 60_000,
  hookTimeout: 8_000,
  engineTimeout: 5_000,
  revalidateEvery: 0,
  revalidateFailure: 'end',
  shutdownGrace: 5_000,
  drain: { window: 0 },
  advice: { maxInterval: false },
  hosts: [],
  transports: connectionTypes,
  metaConnectDeliverOnly: false,
  broadcastToPublisher: true,
  handshakeDelivery: false,
  dedupe: 'faye',
  journal: false,
  forward: ['binary'],
  maxFlushBytes: 524_288,
  maxQueue: 10_000,
  maxQueueBytes: 4 * 1024 * 1024,
  maxQueuedBytes: 2 ** 29,
  presence: { everyone: false, grace: 10_000, info: true, visible: 'all', maxBytes: 134_217_728 },
  queueOverflow: 'disconnect',
  redelivery: 'unflushed',
  channels: {},
  replay: { maxEvents: 10_000, maxAge: 86_400_000, onGap: 'fail', inject: 'both', maxReplays: 200 },
  channelNames: 'bayeux',
  maxChannelLength: 255,
  maxChannelSegments: 16,
  maxMessageSize: 256 * 1024,
  maxIncomingBytes: 2 ** 28,
  maxWaitingBytes: 4 * 1024 * 1024,
  maxBatch: 1_000,
  maxDepth: 64,
  maxPatternsPerMessage: 100,
  maxSubscriptions: 1_000,
  maxSubscriptionBytes: 256 * 1024 * 1024,
  maxSessions: 65_536,
  maxSessionsPerAddress: 32_768,
  maxSessionsPerUser: 32_768,
  maxSessionsPerConnection: 10,
  maxConnectionsPerAddress: 65_536,
  limits: {
    handshakes: 1000,
    handshakesPerAddress: 500,
    maxEventLoopDelay: 500,
    publishes: 0,
    publishesPerUser: 0,
    subscribes: 0,
    subscribesPerUser: 0,
    bytes: 0,
  },
  ack: true,
  timesync: { accuracy: 25 },
  binary: true,
  timestamp: false,
  activity: { maxInactivity: 0, mode: 'client' },
  origins: 'same',
  trustProxy: false,
  unconnectedPublish: 'deny',
  authByCookie: false,
  auth: {
    secret: undefined,
    secretFile: undefined,
    keyFile: undefined,
    jwks: { url: undefined, maxAge: 600_000, maxStale: 3_600_000 },
    algorithms: undefined,
    issuer: [],
    audience: [],
    clockTolerance: 5_000,
    maxLifetime: 86_400_000,
    cookie: undefined,
    anonymous: false,
    info: [],
    revocations: { maxEntries: 100_000, maxBytes: 33_554_432 },
    grantsClaim: 'bayeux',
  },
  cors: {
    maxAge: 86_400,
    headers: ['Accept', 'Authorization', 'Content-Type', 'Pragma', 'X-Requested-With'],
  },
  maxSessionsPerBrowser: 1,
  http2MaxSessionsPerBrowser: -1,
  multiSessionInterval: 2_000,
  duplicateConnectStatus: 500,
  trustClientSession: true,
  browserCookie: {
    name: 'BAYEUX_BROWSER',
    domain: undefined,
    path: '/',
    maxAge: -1,
    secure: 'auto',
    httpOnly: true,
    sameSite: 'auto',
    partitioned: false,
  },
  websocket: {
    timeout: 30_000,
    interval: 0,
    maxInterval: 15_000,
    metaConnectDeliverOnly: false,
    protocol: undefined,
    messagesPerFrame: 0,
    maxFlushBytes: 65_536,
    maxBufferedBytes: 256 * 1024,
    pingInterval: 25_000,
    firstMessageTimeout: 60_000,
    requireHandshakePerConnection: false,
    perMessageDeflate: false,
  },
  longPolling: { timeout: 30_000, interval: 0, maxInterval: 15_000, metaConnectDeliverOnly: false },
  callbackPolling: { timeout: 30_000, interval: 0, maxInterval: 15_000, parameter: 'jsonp', maxLength: 64 },
  eventSource: { timeout: 30_000, maxInterval: 15_000, ping: 10_000 },
};

const rows = optionRows(optionTable);

/** `{ websocket: { timeout: value } }` of `websocket.timeout`. */
function nested(path: string, value: unknown): object {
  const [last = '', ...outer] = path.split('.').reverse();
  return outer.reduce<object>((inner, key) => ({ [key]: inner }), { [last]: value });
}

describe('the server options', () => {
  it('have the documented defaults', () => {
    expect(resolveOptions()).toStrictEqual(defaults);
  });

  it('are frozen through and through, defaults included', () => {
    const schema = { properties: { a: { enum: [{ b: 1 }] } } };
    const rule = { overflow: { action: 'dropOldest' }, history: { maxAge: 5 }, schema } as const;
    const options = resolveOptions({ channels: { '/a': rule } });
    expect(options.channels['/a']).toEqual(rule);
    expect(thawed(options)).toEqual([]);
    expect(thawed(schema, 'schema')).not.toHaveLength(0);
  });

  it('take undefined for what is not given', () => {
    expect(resolveOptions({ timeout: undefined, websocket: { timeout: undefined } })).toStrictEqual(defaults);
  });

  it('resolve to themselves when they were resolved before', () => {
    const channels = { '/a': { history: true, schema: { type: 'object' } } };
    const given = { timeout: 7, websocket: { maxInterval: 9 }, browserCookie: false, channels } as const;
    const options = resolveOptions(given);
    expect(resolveOptions(options)).toStrictEqual(options);
  });

  it.each(badValues())('refuse a bad $path: $value', ({ path, value }) => {
    const bad = () => readOptions(nested(path, value));
    expect(bad).toThrow(UsageError);
    expect(bad).toThrow(path);
  });

  it.each([
    ['timeout', '30s', 'timeout must be a number of milliseconds, got "30s"'],
    ['timeout', null, 'timeout must be a number of milliseconds, got null'],
    ['timeout', -1, 'timeout must be between 0 and 1000000000, got -1'],
    ['maxQueue', 1.5, 'maxQueue must be a whole number of events, got 1.5'],
    ['duplicateConnectStatus', 200, 'duplicateConnectStatus must be between 400 and 599, got 200'],
    ['dedupe', 'fay', 'dedupe must be "faye", true or false, got "fay"; did you mean "faye"?'],
    [
      'trustProxy',
      true,
      'trustProxy must be false, a number of proxies or a list of their addresses like 10.0.0.0/8, loopback, linklocal or uniquelocal, got true',
    ],
    ['trustProxy', 0, 'trustProxy must be between 1 and 100, got 0'],
    ['trustProxy', ['10.0.0.300'], 'trustProxy has an entry it may not have: invalid IP address: 10.0.0.300'],
    [
      'trustProxy',
      ['0.0.0.0/0'],
      'trustProxy has an entry it may not have: invalid range on address: 0.0.0.0/0',
    ],
    [
      'transports',
      ['websockets'],
      'transports has an entry it may not have, "websockets"; did you mean "websocket"?',
    ],
    [
      'transports',
      ['websocket', 'websocket'],
      'transports names an entry twice, got ["websocket","websocket"]',
    ],
    ['transports', [], 'transports must name at least one transport'],
    ['hosts', 'a', 'hosts must be a list of strings, got "a"'],
    ['websocket', true, 'websocket must be an object of options, got true'],
    ['browserCookie.name', 'a b', 'browserCookie.name must be a name of letters, digits and -_, got "a b"'],
    [
      'channels',
      { '/a': { lazy: 'x' } },
      'channels["/a"].lazy must be true, false or a number of milliseconds, got "x"',
    ],
    ['channels', { '/a': { lazyy: 1 } }, 'unknown option channels["/a"].lazyy; did you mean "lazy"?'],
    [
      'channels',
      { '/a': { histroy: true } },
      'unknown option channels["/a"].histroy; did you mean "history"?',
    ],
    [
      'channels',
      { '/a': { maxEvents: 5 } },
      'unknown option channels["/a"].maxEvents; did you mean "overflow.maxEvents"?',
    ],
    [
      'channels',
      { '/a': { history: { maxEvent: 5 } } },
      'unknown option channels["/a"].history.maxEvent; did you mean "maxEvents"?',
    ],
    ['channels', { '/a': { history: 5 } }, 'channels["/a"].history must be an object of options, got 5'],
    [
      'channels',
      { '/a': { history: { maxAge: 0 } } },
      'channels["/a"].history.maxAge must be between 1 and 1000000000000, got 0',
    ],
    [
      'channels',
      { '/a': { overflow: true } },
      'channels["/a"].overflow must be an object of options, got true',
    ],
    [
      'channels',
      { '/a': { overflow: { maxEvents: 5 } } },
      'channels["/a"].overflow.action is missing: it must be "dropOldest", "dropNewest", "conflate" or "disconnect"',
    ],
    [
      'channels',
      { '/a': { overflow: { action: 'conflat' } } },
      'channels["/a"].overflow.action must be "dropOldest", "dropNewest", "conflate" or "disconnect", got "conflat"; did you mean "conflate"?',
    ],
    [
      'channels',
      { '/a': { overflow: { action: 'conflate', key: 'price' } } },
      'channels["/a"].overflow.key must be a JSON pointer like /symbol, got "price"',
    ],
    [
      'channels',
      { '/a': { overflow: { action: 'conflate', key: '/a~2' } } },
      'channels["/a"].overflow.key must be a JSON pointer like /symbol, got "/a~2"',
    ],
    ['channels', { '/a': { schema: 'object' } }, 'channels["/a"].schema must be a JSON schema, got "object"'],
    ['channels', { '/a': { schema: [] } }, 'channels["/a"].schema must be a JSON schema, got []'],
    ['channels', JSON.parse('{"/a": {"__proto__": {}}}'), 'unknown option channels["/a"].__proto__'],
    [
      'replay.onGap',
      'earlist',
      'replay.onGap must be "fail" or "earliest", got "earlist"; did you mean "earliest"?',
    ],
    ['channels', { '/a/': {} }, 'channels has "/a/", which is no channel name or pattern'],
    ['channels', { '/a': 1 }, 'channels["/a"] must be an object of options, got 1'],
  ])('say what is wrong with %s %o', (path, value, message) => {
    expect(() => readOptions(nested(path, value))).toThrow(new UsageError(message));
  });

  it.each([
    [{ maxIntervall: 1 }, 'unknown option "maxIntervall"; did you mean "maxInterval"?'],
    [
      { websocket: { pingIntervall: 1 } },
      'unknown option "websocket.pingIntervall"; did you mean "websocket.pingInterval"?',
    ],
    [{ pingInterval: 1 }, 'unknown option "pingInterval"; did you mean "websocket.pingInterval"?'],
    [{ maxIntreval: undefined }, 'unknown option "maxIntreval"; did you mean "maxInterval"?'],
    [{ zebra: 1 }, 'unknown option "zebra"'],
    [JSON.parse('{"__proto__": {"timeout": 1}}'), 'unknown option "__proto__"'],
    [3, 'options must be an object of options, got 3'],
  ])('refuse the unknown name in %o', (given, message) => {
    expect(() => readOptions(given)).toThrow(new UsageError(message));
  });

  describe('per transport', () => {
    const groups = ['websocket', 'longPolling', 'callbackPolling', 'eventSource'] as const;
    const times = ['timeout', 'interval', 'maxInterval'] as const;
    // ES-6: the interval of an event stream is its timeout.
    const has = (group: string, time: string) => group !== 'eventSource' || time !== 'interval';
    const cases = groups.flatMap((group) =>
      times.filter((time) => has(group, time)).map((time) => ({ group, time })),
    );

    it.each(cases)('$group: its $time stands over the server’s, there alone', ({ group, time }) => {
      const options = readOptions({ [time]: 111, [group]: { [time]: 222 } });
      for (const other of groups) {
        if (has(other, time)) expect(options[other]).toMatchObject({ [time]: other === group ? 222 : 111 });
      }
      expect(options[time]).toBe(111);
    });

    it.each(['websocket', 'longPolling'] as const)('%s.metaConnectDeliverOnly likewise', (group) => {
      expect(readOptions({ metaConnectDeliverOnly: true })[group].metaConnectDeliverOnly).toBe(true);
      const given = { metaConnectDeliverOnly: true, [group]: { metaConnectDeliverOnly: false } };
      expect(readOptions(given)[group].metaConnectDeliverOnly).toBe(false);
    });
  });

  describe('together', () => {
    it('refuse callback-polling for foreign origins when the policy trusts cookies (SEC-5)', () => {
      const refusal = /authByCookie with callback-polling lets other sites read/;
      for (const origins of ['*', ['https://a.example'], /a/, () => true] as const) {
        expect(() => resolveOptions({ authByCookie: true, origins })).toThrow(refusal);
      }
      expect(resolveOptions({ authByCookie: true }).authByCookie).toBe(true);
      const transports = ['websocket', 'long-polling'] as const;
      expect(resolveOptions({ authByCookie: true, origins: '*', transports }).origins).toBe('*');
    });

    it('list the cross-origin alias whenever long-polling is on (LP-5), and never alone', () => {
      const { transports } = resolveOptions({ transports: ['long-polling', 'websocket'] });
      expect(transports).toEqual(['long-polling', 'cross-origin-long-polling', 'websocket']);
      expect(() => resolveOptions({ transports: ['cross-origin-long-polling'] })).toThrow(/name that too/);
    });

    it('refuse a cookie that browsers would drop', () => {
      expect(() => resolveOptions({ browserCookie: { sameSite: 'None', secure: false } })).toThrow(
        /needs browserCookie.secure/,
      );
      expect(() => resolveOptions({ browserCookie: { partitioned: true, secure: false } })).toThrow(
        /needs browserCookie.secure/,
      );
      expect(resolveOptions({ browserCookie: false }).browserCookie).toBe(false);
    });

    it('check channel rules against the names that are legal', () => {
      const channels = { '/a.b/**': { lazy: 5 } };
      expect(() => resolveOptions({ channels })).toThrow(/no channel name or pattern/);
      expect(resolveOptions({ channels, channelNames: 'cometd' }).channels).toEqual(channels);
    });
  });

  it('accept what only code can give', () => {
    const origins = (origin: string) => origin.endsWith('.example');
    const unconnectedPublish = async () => true;
    const queueOverflow = () => 'dropOldest' as const;
    const options = resolveOptions({ origins, unconnectedPublish, queueOverflow });
    expect(options).toMatchObject({ origins, unconnectedPublish, queueOverflow });
    expect(resolveOptions({ origins: /a/ }).origins).toEqual(/a/);
  });

  it('have types read off the table', () => {
    expectTypeOf<Given<typeof optionTable>>().toExtend<ServerOptions>();
    expectTypeOf<ServerOptions>().toExtend<Given<typeof optionTable>>();
    expectTypeOf<ResolvedOptions['timeout']>().toEqualTypeOf<number>();
    expectTypeOf<ResolvedOptions['websocket']['timeout']>().toEqualTypeOf<number>();
    expectTypeOf<ResolvedOptions['websocket']['protocol']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<ResolvedOptions['dedupe']>().toEqualTypeOf<'faye' | boolean>();
    expectTypeOf<ResolvedOptions['forward']>().toEqualTypeOf<'all' | readonly string[]>();
    type Rule = NonNullable<ServerOptions['channels']>[string];
    expectTypeOf<{ history: true; overflow: { action: 'dropOldest' } }>().toExtend<Rule>();
    expectTypeOf<{ overflow: { maxEvents: 5 } }>().not.toExtend<Rule>();
    expectTypeOf<{ overflow: { action: 'dropAll' } }>().not.toExtend<Rule>();
    expectTypeOf<{ timeoutt: 3 }>().not.toExtend<ServerOptions>();
    expectTypeOf<{ transports: ['x'] }>().not.toExtend<ServerOptions>();
  });
});

describe('the names of an option', () => {
  it.each([
    ['maxInterval', '--max-interval', 'BAYEUXD_MAX_INTERVAL'],
    ['websocket.pingInterval', '--websocket-ping-interval', 'BAYEUXD_WEBSOCKET_PING_INTERVAL'],
    [
      'http2MaxSessionsPerBrowser',
      '--http2-max-sessions-per-browser',
      'BAYEUXD_HTTP2_MAX_SESSIONS_PER_BROWSER',
    ],
    ['browserCookie.sameSite', '--browser-cookie-same-site', 'BAYEUXD_BROWSER_COOKIE_SAME_SITE'],
  ])('of %s are %s and %s', (path, flag, variable) => {
    expect(rows.find((option) => option.path === path)).toMatchObject({ flag, variable });
  });

  it('are each one of a kind', () => {
    for (const name of ['path', 'flag', 'variable'] as const) {
      expect(new Set(rows.map((option) => option[name])).size).toBe(rows.length);
    }
  });
});

describe('the nearest name', () => {
  it.each([
    ['maxIntervall', 'maxInterval'],
    ['maxIntreval', 'maxInterval'],
    ['MAXINTERVAL', 'maxInterval'],
    ['timeot', 'timeout'],
    ['x', undefined],
    ['somethingElse', undefined],
  ])('to %s is %s', (name, meant) => {
    expect(nearest(name, ['timeout', 'maxInterval', 'interval'])).toBe(meant);
  });
});

/** What of a value can still be changed. */
function thawed(value: unknown, path = 'options'): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, part]) => thawed(part, `${path}.${name}`));
  return Object.isFrozen(value) ? inner : [path, ...inner];
}

/** For every option one value of a wrong type, and those just out of its bounds. */
function badValues(): { path: string; value: unknown }[] {
  return rows.flatMap((option) => wrongFor(option).map((value) => ({ path: option.path, value })));
}

function wrongFor({ row }: NamedOption): unknown[] {
  switch (row.kind) {
    case 'number':
    case 'integer': {
      const { min, max } = row;
      const bounds = [min === undefined ? undefined : min - 1, max === undefined ? undefined : max + 1];
      return [
        '1',
        null,
        Number.NaN,
        ...bounds.filter((value) => value !== undefined && Number.isFinite(value)),
      ];
    }
    case 'boolean':
      return ['true', 1, null];
    case 'list':
      return [row.count === undefined ? 5 : 0.5, [5], { a: 1 }];
    case 'rules':
      return [5, [], 'x'];
    default:
      return [5, null, ''];
  }
}
