import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Config, type Env, loadConfig } from '../../src/cli/config.ts';
import { ConfigError } from '../../src/cli/config-error.ts';
import { allOptions } from '../../src/cli/options.ts';
import { printConfig } from '../../src/cli/print-config.ts';
import type { NamedOption } from '../../src/options/table.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { folder, file } = tempFolder();

function load(flags: Readonly<Record<string, string>>, env: Env = {}): Config {
  return loadConfig((flag) => flags[flag], env);
}

function refusal(flags: Readonly<Record<string, string>>, env: Env = {}): ConfigError {
  try {
    load(flags, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** The value of an option that has this path. */
function at({ program, server }: Config, path: string): unknown {
  let value: unknown = { ...program, ...server };
  for (const key of path.split('.'))
    value = typeof value === 'object' && value !== null && Reflect.get(value, key);
  return value;
}

const channels = {
  '/a': { lazy: 7, history: true },
  '/a/**': {
    history: { maxEvents: 100 },
    overflow: { action: 'conflate', key: '/symbol', maxAge: 5_000 },
    schema: { type: 'object', properties: { price: { type: 'number', enum: [1, null] } } },
  },
  '/b/*': { history: false, overflow: { action: 'dropNewest' }, schema: true, broadcastToPublisher: false },
};

const apiKeys = {
  ci: { hash: `sha256:${'a'.repeat(64)}`, rights: ['publish', 'read'], channels: ['/ci/**'] },
  boss: { hash: `sha256:${'b'.repeat(64)}`, rights: ['admin'] },
};

/** A value of an option that is not its default, as text and as it is in code. */
function another({ path, row }: NamedOption): [text: string, value: unknown] {
  const own: Record<string, [string, unknown]> = {
    host: ['::1', '::1'],
    path: ['/a/b', '/a/b'],
    transports: ['long-polling, cross-origin-long-polling', ['long-polling', 'cross-origin-long-polling']],
    origins: ['https://a.example,https://b.example:81', ['https://a.example', 'https://b.example:81']],
    channels: [JSON.stringify(channels), channels],
    apiKey: ['correct-horse', 'correct-horse'],
    apiKeys: [JSON.stringify(apiKeys), apiKeys],
    'browserCookie.path': ['/x', '/x'],
    'redis.url': ['rediss://redis.example', 'rediss://redis.example'],
    'redis.sentinels': ['redis://a:26379,redis://b:26379', ['redis://a:26379', 'redis://b:26379']],
    'redis.clusterNodes': ['a:6379,b:6379', ['a:6379', 'b:6379']],
    'redis.keep': ['5432', 5432],
    'cluster.listen': ['10.0.0.1:8001', '10.0.0.1:8001'],
    'cluster.advertise': ['one.example:8001', 'one.example:8001'],
    'cluster.secret': ['y'.repeat(32), 'y'.repeat(32)],
    tracing: ['true', { toSubscribers: [] }],
    'tracing.toSubscribers': ['/a,/b/**', ['/a', '/b/**']],
    journal: ['true', { maxBytes: 8_388_608, maxAge: 3_600_000 }],
    'journal.maxBytes': ['65536', 65_536],
    // In a text it has no other value.
    'presence.visible': ['all', 'all'],
    maxSessions: ['12', 12],
    'auth.secret': ['x'.repeat(32), 'x'.repeat(32)],
    'auth.jwks.url': ['https://id.example/keys', 'https://id.example/keys'],
    'auth.jwks.maxAge': ['43200', 43_200],
    'auth.algorithms': ['ES256, EdDSA', ['ES256', 'EdDSA']],
  };
  const special = own[path];
  if (special) return special;
  switch (row.kind) {
    case 'number':
    case 'integer':
      return ['432', 432];
    case 'boolean':
      return row.default === true ? ['false', false] : ['true', true];
    case 'word': {
      const word = row.words?.find((one) => one !== row.default);
      return [String(word), word];
    }
    case 'list':
      return row.count === undefined ? ['x-a, x-b', ['x-a', 'x-b']] : ['loopback, ::1', ['loopback', '::1']];
    default:
      return ['other', 'other'];
  }
}

const onRedis = { '--redis': 'redis://redis.example' };
const linked = { ...onRedis, '--cluster-listen': '10.0.0.1:8001' };

/** What else an option needs that is refused alone. */
const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  allowedHosts: { '--insecure': 'true' },
  trustProxy: { '--insecure': 'true' },
  'metrics.host': { '--metrics-port': '0' },
  'redis.sentinels': onRedis,
  'redis.clusterNodes': onRedis,
  'redis.namespace': onRedis,
  'redis.away': onRedis,
  'redis.durability': onRedis,
  'redis.timeout': onRedis,
  'redis.keep': onRedis,
  'cluster.listen': onRedis,
  'cluster.advertise': linked,
  'cluster.secret': onRedis,
  'cluster.secretFile': onRedis,
  'auth.anonymous': { '--auth-key-file': 'k' },
  'auth.cookie': { '--auth-key-file': 'k', '--auth-by-cookie': 'true' },
  'auth.jwks.url': { '--auth-audience': 'a' },
};

const durable = '{"/a":{"history":true}}';

// TLS takes two files, that of links three, HTTP/2 takes TLS, a folder takes a durable channel, and only a disk can be waited for: these have specs of their own.
const together = [
  ...['tlsCert', 'tlsKey', 'http2', 'history.path', 'history.sync'],
  ...['cluster.tls.certFile', 'cluster.tls.keyFile', 'cluster.tls.caFile'],
];
const alone = allOptions.filter(({ path }) => !together.includes(path));

describe('the configuration', () => {
  describe.each(alone)('$path', (option) => {
    const [text, value] = another(option);
    const others = companions[option.path] ?? {};

    it('is read from its flag', () => {
      expect(at(load({ ...others, [option.flag]: text }), option.path)).toEqual(value);
    });

    it('is read from its variable', () => {
      expect(at(load(others, { [option.variable]: text }), option.path)).toEqual(value);
    });

    it('is read from the file', () => {
      const [last = '', ...outer] = option.path.split('.').reverse();
      const content = outer.reduce<object>((inner, key) => ({ [key]: inner }), { [last]: value });
      const json = file('one.json', JSON.stringify(content));
      expect(at(load({ ...others, '--config': json }), option.path)).toEqual(value);
    });
  });

  it('takes the flag over the variable, the variable over the file, the file over the default', () => {
    const yaml = file('four.yaml', 'timeout: 1\ninterval: 1\nmaxInterval: 1\nwebsocket:\n  timeout: 1\n');
    const env = {
      BAYEUXD_CONFIG: yaml,
      BAYEUXD_TIMEOUT: '2',
      BAYEUXD_INTERVAL: '2',
      BAYEUXD_WEBSOCKET_INTERVAL: '2',
    };
    const { server, places } = load({ '--timeout': '3', '--websocket-max-interval': '3' }, env);
    expect(server).toMatchObject({ timeout: 3, interval: 2, maxInterval: 1, hookTimeout: 8_000 });
    expect(server.websocket).toMatchObject({ timeout: 1, interval: 2, maxInterval: 3 });
    expect(places.get('timeout')).toBe('--timeout');
    expect(places.get('interval')).toBe('BAYEUXD_INTERVAL');
    expect(places.get('maxInterval')).toBe(`${yaml}:3`);
  });

  it('lets the variable of the other commands stand', () => {
    expect(load({}, { BAYEUXD_URL: 'http://127.0.0.1:8000/api' })).toEqual(load({}));
  });

  it('takes the file of the flag over that of the variable', () => {
    const flags = { '--config': file('a.yaml', 'port: 1') };
    expect(load(flags, { BAYEUXD_CONFIG: file('b.yaml', 'port: 2') }).program.port).toBe(1);
  });

  it('reads an empty file, and JSON with tabs', () => {
    expect(load({ '--config': file('empty.yaml', '') })).toEqual(load({}));
    expect(load({ '--config': file('tabs.json', '{\n\t"port": 81\n}\n') }).program.port).toBe(81);
  });

  it('reads "unlimited" and empty lists', () => {
    const yaml = file('unlimited.yaml', 'maxSessions: unlimited\n');
    expect(load({ '--config': yaml }).server.maxSessions).toBe(Number.POSITIVE_INFINITY);
    const env = { BAYEUXD_MAX_SESSIONS: 'unlimited', BAYEUXD_FORWARD: '' };
    expect(load({ '--config': file('few.yaml', 'maxSessions: 5') }, env).server).toMatchObject({
      maxSessions: Number.POSITIVE_INFINITY,
      forward: [],
    });
  });

  it('lets a later word on the browser cookie stand', () => {
    const off = file('off.yaml', 'browserCookie: false');
    expect(load({ '--config': off }).server.browserCookie).toBe(false);
    expect(load({ '--config': off, '--browser-cookie': 'true' }).server.browserCookie).toMatchObject({
      path: '/',
    });
    expect(load({ '--config': off, '--browser-cookie-path': '/x' }).server.browserCookie).toMatchObject({
      path: '/x',
    });
    expect(
      load({ '--browser-cookie': 'false' }, { BAYEUXD_BROWSER_COOKIE_PATH: '/x' }).server.browserCookie,
    ).toBe(false);
  });

  it('names every problem at once, each with its place and the fix', () => {
    const yaml = file('bad.yaml', 'timout: 4\nwebsocket: { pingIntervall: 3 }\ntransports: [websockets]\n');
    const env = { BAYEUXD_PORT: 'eighty', BAYEUXD_TIMEOT: '1', HOME: '/' };
    expect(refusal({ '--config': yaml, '--interval': '1s' }, env).problems).toEqual([
      {
        key: 'BAYEUXD_TIMEOT',
        place: 'BAYEUXD_TIMEOT',
        message: 'unknown variable; did you mean "BAYEUXD_TIMEOUT"?',
      },
      { key: 'timout', place: `${yaml}:1`, message: 'unknown option "timout"; did you mean "timeout"?' },
      {
        key: 'transports',
        place: `${yaml}:3`,
        message: 'transports has an entry it may not have, "websockets"; did you mean "websocket"?',
      },
      {
        key: 'websocket.pingIntervall',
        place: `${yaml}:2`,
        message: 'unknown option "websocket.pingIntervall"; did you mean "websocket.pingInterval"?',
      },
      { key: 'port', place: 'BAYEUXD_PORT', message: 'port must be a whole number, got "eighty"' },
      {
        key: 'interval',
        place: '--interval',
        message: 'interval must be a number of milliseconds, got "1s"',
      },
    ]);
  });

  it.each([
    ['no such file', undefined, /there is no such file; write one/],
    ['no YAML', 'a: [', /:1:5: this is neither YAML nor JSON: /],
    ['a key twice', 'port: 1\nport: 2', /:2:1: this is neither YAML nor JSON: Map keys must be unique$/],
    ['a list', '[1]', /the file must be an object of options, got \[1\]/],
    ['a group that is none', 'drain: 3', /: drain must be an object of options, got 3$/],
    ['a cookie that is none', 'browserCookie: 3', /: browserCookie must be an object of options, got 3$/],
    [
      'a bad part of the cookie',
      'browserCookie: { sameSite: lax }',
      /: browserCookie.sameSite must be .* did you mean "Lax"\?$/,
    ],
    ['a number as text', 'port: "80"', /: port must be a whole number, got "80"$/],
    ['a number out of bounds', 'port: 70000', /: port must be between 0 and 65535, got 70000$/],
    [
      'infinity where there is none',
      'timeout: .inf',
      /: timeout must be between 0 and 1000000000, got Infinity$/,
    ],
    [
      'a rule that is none',
      'channels: { /a: { lazyy: 1 } }',
      /: unknown option channels\["\/a"\]\.lazyy; did you mean "lazy"\?$/,
    ],
    [
      'a rule that contradicts itself',
      'channels: { /a: { overflow: { action: conflate } } }',
      /a rule that contradicts itself\.yaml:1: channels\["\/a"\]\.overflow\.key is missing: /,
    ],
    [
      'a schema that is none',
      'channels: { /a: { schema: { type: nmber } } }',
      /a schema that is none\.yaml:1: channels\["\/a"\]\.schema is not a usable JSON schema: schema is invalid/,
    ],
    [
      'a rule for no channel',
      'channels: { /a/: { lazy: 1 } }',
      /channels has "\/a\/", which is no channel name or pattern$/,
    ],
    ['a key of Object.prototype', '__proto__: { port: 1 }', /: unknown option "__proto__"$/],
    ['a key that only the command line has', 'config: x', /: unknown option "config"$/],
  ])('refuses %s in the file', (name, content, message) => {
    const path = content === undefined ? join(folder, 'none') : file(`${name}.yaml`, content);
    expect(refusal({ '--config': path }).message).toMatch(message);
  });

  it('names what is wrong in each key of each rule', () => {
    const yaml = file(
      'rules.yaml',
      `channels:
         /a: { lazy: x, history: { maxEvent: 3 }, lazyy: 1 }
         /b: { overflow: { action: conflat, key: 5 } }
         /c: { overflow: {}, schema: 3 }
         /d: 4`,
    );
    const { problems } = refusal({ '--config': yaml });
    expect(problems.every(({ key }) => key === 'channels')).toBe(true);
    const lineOf = (pattern: string) =>
      problems.filter(({ message }) => message.includes(pattern)).map(({ place }) => place);
    expect(new Set(lineOf('/a'))).toEqual(new Set([`${yaml}:2`]));
    expect(new Set(lineOf('/c'))).toEqual(new Set([`${yaml}:4`]));
    expect(lineOf('/d')).toEqual([`${yaml}:5`]);
    const actions = '"dropOldest", "dropNewest", "conflate" or "disconnect"';
    expect(problems.map(({ message }) => message).sort()).toEqual([
      'channels["/a"].lazy must be true, false or a number of milliseconds, got "x"',
      `channels["/b"].overflow.action must be ${actions}, got "conflat"; did you mean "conflate"?`,
      `channels["/c"].overflow.action is missing: it must be ${actions}`,
      'channels["/c"].schema must be a JSON schema, got 3',
      'channels["/d"] must be an object of options, got 4',
      'unknown option channels["/a"].history.maxEvent; did you mean "maxEvents"?',
      'unknown option channels["/a"].lazyy; did you mean "lazy"?',
    ]);
  });

  it('refuses one half of TLS, and a socket beside a port', () => {
    expect(refusal({ '--tls-cert': 'a.pem' }).message).toBe('--tls-cert: tlsCert needs tlsKey too');
    expect(refusal({}, { BAYEUXD_TLS_KEY: 'a.pem' }).message).toBe(
      'BAYEUXD_TLS_KEY: tlsKey needs tlsCert too',
    );
    expect(refusal({ '--http2': 'true' }).message).toBe(
      '--http2: http2 is served with TLS only: set tlsCert and tlsKey, or leave http2 out',
    );
    const tls = { '--tls-cert': 'a.pem', '--tls-key': 'b.pem' };
    expect(load({ ...tls, '--http2': 'true' }).program.http2).toBe(true);
    expect(load({ ...tls, '--config': file('http2.yaml', 'http2: true') }).program.http2).toBe(true);
    expect(load(tls, { BAYEUXD_HTTP2: 'true' }).program.http2).toBe(true);
    const listed = { '--socket': '/tmp/a', '--trust-proxy': 'loopback', '--insecure': 'true' };
    expect(refusal(listed).message).toBe(
      '--trust-proxy: trustProxy cannot list addresses with socket, whose peers have none: write the number of proxies, such as 1',
    );
    expect(load({ '--socket': '/tmp/a', '--trust-proxy': '1', '--insecure': 'true' }).server.trustProxy).toBe(
      1,
    );
    const both = { '--socket': '/tmp/a', '--port': '1' };
    expect(refusal(both).message).toBe('--port: port and socket exclude each other: leave one out');
  });

  it('says the line of what contradicts another option', () => {
    const yaml = file(
      'contradicts.yaml',
      `# TLS comes later.
port: 81
tlsCert: a.pem
channels:
  /a: { lazy: 5 }
  /meta/x:
    lazy: 5
`,
    );
    expect(refusal({ '--config': yaml }).message).toBe(
      `${yaml}:6: channels has "/meta/x", to which nothing can be published`,
    );
    const half = file('half.yaml', 'port: 81\n\ntlsCert: a.pem\n');
    expect(refusal({ '--config': half }).message).toBe(`${half}:3: tlsCert needs tlsKey too`);
  });

  it('refuses a folder for a history that no channel has', () => {
    const nothing =
      'history.path keeps nothing, since no channel is durable: give one a history, such as --channels \'{"/chat/**":{"history":true}}\'';
    expect(refusal({ '--history-path': '/tmp/a' }).message).toBe(`--history-path: ${nothing}`);
    const off = '{"/chat/**":{"history":false},"/chat/*":{"lazy":5}}';
    expect(refusal({ '--channels': off }, { BAYEUXD_HISTORY_PATH: '/tmp/a' }).message).toBe(
      `BAYEUXD_HISTORY_PATH: ${nothing}`,
    );
  });

  it('passes over the variables that Kubernetes makes for services', () => {
    const env = {
      BAYEUXD_SERVICE_HOST: '10.0.0.7',
      BAYEUXD_SERVICE_PORT: '8000',
      BAYEUXD_SERVICE_PORT_HTTP: '8000',
      BAYEUXD_PORT: 'tcp://10.0.0.7:8000',
      BAYEUXD_PORT_8000_TCP: 'tcp://10.0.0.7:8000',
      BAYEUXD_PORT_8000_TCP_PROTO: 'tcp',
      BAYEUXD_PORT_8000_TCP_PORT: '8000',
      BAYEUXD_PORT_8000_TCP_ADDR: '10.0.0.7',
      BAYEUXD_ADMIN_PORT: 'udp://10.0.0.8:53',
    };
    const config = load({}, { ...env, BAYEUXD_TIMEOUT: '5' });
    expect(config.program.port).toBe(8_000);
    expect(config.server.timeout).toBe(5);
    expect(config.ignored).toEqual(Object.keys(env));
    expect(load({}, { BAYEUXD_PORT: '81' })).toMatchObject({ program: { port: 81 }, ignored: [] });
    expect(refusal({}, { BAYEUXD_ADMIN_PORT: '81' }).message).toMatch(
      /^BAYEUXD_ADMIN_PORT: unknown variable/,
    );
  });

  describe('where others can reach the server', () => {
    it.each([
      ['--host', '0.0.0.0', 'host'],
      ['--allowed-hosts', 'push.example.com', 'allowedHosts'],
      ['--trust-proxy', '1', 'trustProxy'],
    ])('is refused while everybody may do everything, and says what to do: %s', (flag, value, option) => {
      expect(refusal({ [flag]: value }).message).toMatch(
        new RegExp(`^${flag}: ${option} lets others reach .*--policy .*auth\\.jwks\\.url.*--insecure`),
      );
      for (const enough of ['--policy', '--auth-key-file'])
        expect(load({ [flag]: value, [enough]: 'x' }).isPublic).toBe(true);
      expect(load({ [flag]: value, '--insecure': 'true' }).isPublic).toBe(true);
    });

    const jsonp = ({ server }: Config) => server.transports.includes('callback-polling');

    it.each([
      ['--host', '0.0.0.0'],
      ['--host', '::'],
      ['--host', '192.168.1.7'],
      ['--host', 'push.example.com'],
      ['--allowed-hosts', 'push.example.com'],
      ['--trust-proxy', '1'],
    ])('serves neither the page nor JSONP unless asked to: %s %s', (flag, value) => {
      const config = load({ [flag]: value, '--insecure': 'true' });
      expect([config.isPublic, config.program.demo, jsonp(config)]).toEqual([true, false, false]);
      const asked = load({
        ...{ [flag]: value, '--insecure': 'true', '--demo': 'true' },
        '--transports': 'websocket,callback-polling',
      });
      expect([asked.program.demo, jsonp(asked)]).toEqual([true, true]);
    });

    it('serves the dashboard where there is something to sign in with, to this machine unless asked', () => {
      const admin = (flags: Record<string, string>) => load(flags).program.admin;
      const key = { '--api-key': 'correct-horse' };
      const away = { '--host': '0.0.0.0', '--insecure': 'true' };
      expect(admin({})).toBe(false);
      expect(admin(key)).toBe(true);
      expect(admin({ '--api-key-file': 'k' })).toBe(true);
      expect(admin({ '--api-keys-file': 'k' })).toBe(true);
      expect(admin({ '--api-keys': JSON.stringify(apiKeys) })).toBe(true);
      expect(admin({ '--auth-key-file': 'k' })).toBe(true);
      expect(admin({ ...key, '--admin': 'false' })).toBe(false);
      expect(admin({ ...key, ...away })).toBe(false);
      expect(admin({ ...key, ...away, '--admin': 'true' })).toBe(true);
    });

    it.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])('knows that %s is this machine', (host) => {
      const config = load({ '--host': host });
      expect([config.isPublic, config.program.demo, jsonp(config)]).toEqual([false, true, true]);
    });

    it('serves JSONP to pages of other origins', () => {
      expect(
        jsonp(load({ '--host': '0.0.0.0', '--policy': 'p.js', '--origins': 'https://www.example.com' })),
      ).toBe(true);
      expect(jsonp(load({ '--host': '0.0.0.0', '--policy': 'p.js', '--origins': '*' }))).toBe(true);
    });
  });

  it('refuses to wait for a disk that there is none of', () => {
    expect(refusal({ '--history-sync': 'true' }).message).toBe(
      '--history-sync: history.sync needs history.path too',
    );
    const onDisk = { '--history-path': '/tmp/a', '--history-sync': 'true', '--channels': durable };
    const bounds = { '--history-max-bytes': '5000', '--history-max-channels': '7' };
    expect(load({ ...onDisk, ...bounds }).program.history).toEqual({
      path: '/tmp/a',
      sync: true,
      maxBytes: 5000,
      maxChannels: 7,
    });
  });

  it('refuses options that contradict each other', () => {
    expect(refusal({ '--auth-by-cookie': 'true', '--origins': '*' }).message).toMatch(
      /^--auth-by-cookie: authByCookie with/,
    );
  });

  it('never shows a secret', () => {
    expect(refusal({ '--api-key': 'short' }).message).not.toContain('short');
    expect(printConfig(load({ '--api-key': 'correct-horse' }))).not.toContain('correct-horse');
  });

  it('takes no key that stands for one that was left out', () => {
    expect(refusal({ '--api-key': '<redacted>' }).message).toContain('not `<redacted>`');
    const old = file('old.yaml', 'apiKey: <redacted>\n');
    expect(refusal({ '--config': old }).message).toContain('not `<redacted>`');
  });

  it('refuses a key beside a file with one', () => {
    expect(refusal({ '--api-key-file': '/key' }, { BAYEUXD_API_KEY: 'correct-horse' }).message).toBe(
      '--api-key-file: apiKeyFile and apiKey exclude each other: leave one out',
    );
  });
});

/** Left out where all are set: secrets and what needs them, and those that exclude others. */
const exclusive = [
  ...['socket', 'apiKey', 'apiKeyFile', 'browserCookie', 'auth.secret', 'auth.secretFile', 'auth.keyFile'],
  ...allOptions.map(({ path }) => path).filter((path) => /^(redis|cluster)\./.test(path)),
];

describe('the printed configuration', () => {
  const everything = Object.fromEntries(
    allOptions
      .filter(({ path }) => !exclusive.includes(path))
      .map((option) => [option.flag, another(option)[0]]),
  );

  it('can be read back', () => {
    const config = load(everything);
    const again = load({ '--config': file('printed.yaml', printConfig(config)) });
    expect(again.program).toEqual(config.program);
    expect(again.server).toEqual(config.server);
    const off = load({ '--browser-cookie': 'false', '--socket': '/tmp/a' });
    expect(load({ '--config': file('off.yaml', printConfig(off)) }).program).toEqual(off.program);
  });

  it('says every option, and where it comes from when it is no default', () => {
    const printed = printConfig(
      load({ '--timeout': '5', '--api-key': 'correct-horse' }, { BAYEUXD_PORT: '81' }),
    );
    expect(printed).toContain('timeout: 5 # --timeout\n');
    expect(printed).toContain('port: 81 # BAYEUXD_PORT\n');
    expect(printed).toMatch(/^# apiKey is set \(--api-key\) and not printed: it is a secret\n/);
    expect(load({ '--config': file('secret.yaml', printed) }).program.apiKey).toBeUndefined();
    expect(printed).toMatch(/^maxSessions: \d+$/m);
    expect(printed).toContain('interval: 0\n');
    const unset = [
      'socket',
      'tlsCert',
      'tlsKey',
      'policy',
      'apiKey',
      'apiKeyFile',
      'apiKeysFile',
      'metrics.port',
      'tracing.toSubscribers',
      'history.path',
      'history.maxBytes',
      'redis.url',
      'redis.sentinels',
      'redis.clusterNodes',
      'cluster.listen',
      'cluster.advertise',
      'cluster.secret',
      'cluster.secretFile',
      'cluster.tls.certFile',
      'cluster.tls.keyFile',
      'cluster.tls.caFile',
      'logFormat',
      'journal.maxBytes',
      'journal.maxAge',
      'timesync',
      'auth.secret',
      'auth.secretFile',
      'auth.keyFile',
      'auth.jwks.url',
      'auth.algorithms',
      'auth.cookie',
      'browserCookie',
      'browserCookie.domain',
      'websocket.protocol',
    ];
    const paths = optionPaths(parse(printed));
    expect(allOptions.map(({ path }) => path).filter((path) => !paths.includes(path))).toEqual(unset);
  });
});

function optionPaths(value: unknown, prefix = ''): string[] {
  const leaf =
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    ['channels.', 'apiKeys.'].includes(prefix);
  if (leaf) return [prefix.slice(0, -1)];
  return Object.entries(value).flatMap(([name, inner]) => optionPaths(inner, `${prefix}${name}.`));
}
