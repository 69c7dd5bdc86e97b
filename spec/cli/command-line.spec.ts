import { describe, expect, it, vi } from 'vitest';
import { askCommands } from '../../src/cli/ask/commands.ts';
import { commandLine, type Ended } from '../../src/cli/command-line.ts';
import type { Flags } from '../../src/cli/config.ts';

/** Parses a command line in this process: what it called, or what it wrote before it ended. */
async function parse(...args: string[]) {
  const actions = {
    serve: vi.fn(async (_flags: Flags, _instead: string | undefined) => {}),
    publish: vi.fn(async (..._: unknown[]) => {}),
    subscribe: vi.fn(async (..._: unknown[]) => {}),
    bench: vi.fn(async () => {}),
    token: vi.fn(async (..._: unknown[]) => {}),
    ask: vi.fn(async (..._: unknown[]) => {}),
    completion: vi.fn(async (..._: unknown[]) => {}),
    explain: vi.fn(async (..._: unknown[]) => {}),
    key: vi.fn(async (..._: unknown[]) => {}),
    init: vi.fn(async (..._: unknown[]) => {}),
  };
  let stdout = '';
  let stderr = '';
  const program = commandLine('1.2.3', actions);
  for (const command of [program, ...program.commands]) {
    command.configureOutput({
      writeOut: (text) => {
        stdout += text;
      },
      writeErr: (text) => {
        stderr += text;
      },
    });
  }
  const code = await program.parseAsync(args, { from: 'user' }).then(
    () => 0,
    (error: Ended) => error.code,
  );
  return { ...actions, code, stdout, stderr };
}

describe('the command line', () => {
  it.each([[], ['serve']])('serves by default: bayeuxd %s', async (...args) => {
    const { serve } = await parse(...args, '--port', '81', '--no-demo', '--auth-by-cookie', '--hosts', 'a,b');
    const [flags, instead] = serve.mock.calls[0] ?? [];
    expect(
      ['--port', '--demo', '--auth-by-cookie', '--hosts', '--path'].map((flag) => flags?.(flag)),
    ).toEqual(['81', 'false', 'true', 'a,b', undefined]);
    expect(instead).toBeUndefined();
  });

  it('takes the last of two words on the same thing', async () => {
    const { serve } = await parse('--demo', '--no-demo', '--port', '1', '--port=2');
    expect(serve.mock.calls[0]?.[0]('--demo')).toBe('false');
    expect(serve.mock.calls[0]?.[0]('--port')).toBe('2');
  });

  it.each(['check', 'print-config'])('does --%s instead', async (instead) => {
    const { serve } = await parse(`--${instead}`);
    expect(serve).toHaveBeenCalledExactlyOnceWith(expect.any(Function), instead);
  });

  it('hands the commands what they need', async () => {
    const publish = await parse('publish', 'http://a/b', '/c', '{"d":1}');
    expect(publish.publish.mock.calls[0]?.slice(0, 2)).toEqual([
      'http://a/b',
      { channel: '/c', json: '{"d":1}' },
    ]);
    const subscribe = await parse('subscribe', 'http://a/b', '/c/*', '--from', '-2', '--ack');
    expect(subscribe.subscribe.mock.calls[0]?.slice(0, 3)).toEqual([
      'http://a/b',
      '/c/*',
      { from: '-2', ack: true },
    ]);
    const lines = await parse('publish', 'ws://a/b', '/c', '-', '--header', 'A: b', '--header', 'C: d');
    expect(lines.publish.mock.calls[0]?.slice(1, 3)).toEqual([
      { channel: '/c', json: '-' },
      { header: ['A: b', 'C: d'] },
    ]);
  });

  it('hands the commands that ask a server what they need', async () => {
    const list = await parse(
      'sessions',
      '--user',
      'ann',
      '--json',
      '--url',
      'http://a/api',
      '--key-file',
      'k',
    );
    expect(list.ask.mock.calls).toEqual([
      ['sessions', undefined, { user: 'ann', json: true, url: 'http://a/api', keyFile: 'k' }],
    ]);
    const one = await parse('disconnect', 'id', '--header', 'A: b', '--header', 'C: d');
    expect(one.ask.mock.calls).toEqual([['disconnect', 'id', { header: ['A: b', 'C: d'] }]]);
    expect((await parse('stats', '--watch')).ask.mock.calls).toEqual([['stats', undefined, { watch: true }]]);
  });

  it('hands the command token what it needs', async () => {
    const { token } = await parse(
      ...['token', '--sub', 'ann', '--auth-secret', 's', '--publish', '/a', '--publish', '/b'],
    );
    const [what, flags] = token.mock.calls[0] ?? [];
    expect(what).toMatchObject({ sub: 'ann', publish: ['/a', '/b'] });
    expect((flags as Flags)('--auth-secret')).toBe('s');
  });

  it.each([['--help'], ['-h'], ['help'], ['serve', '--help']])(
    'prints the help: bayeuxd %s %s',
    async (...args) => {
      const { code, stdout, stderr } = await parse(...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^bayeuxd 1\.2\.3: a Bayeux 1\.0 server/);
      expect(stdout).toContain('bayeuxd --help all');
      expect(stdout).not.toContain('--websocket-ping-interval');
    },
  );

  it.each([
    ['--help', 'all'],
    ['-h', 'all'],
    ['serve', '--help', 'all'],
  ])('prints the whole help: bayeuxd %s %s', async (...args) => {
    const { code, stdout, stderr } = await parse(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('--websocket-ping-interval <ms>');
  });

  const asking = askCommands.map(({ name }) => name);
  it.each([...asking, 'publish', 'subscribe', 'bench', 'explain', 'completion'])(
    'prints the help of %s',
    async (command) => {
      const { stdout } = await parse(command, '--help');
      expect(stdout).toMatch(new RegExp(`^Usage: bayeuxd ${command} .*`));
      expect(stdout).toMatch(/<url>|completion/);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  it.each(['-V', '--version'])('prints the version: %s', async (flag) => {
    expect(await parse(flag)).toMatchObject({ code: 0, stdout: '1.2.3\n', stderr: '' });
  });

  it.each([
    [['--timout', '5'], `unknown option '--timout'; did you mean --timeout?`],
    [['serve', '--timout', '5'], `unknown option '--timout'; did you mean --timeout?`],
    [['publissh'], 'unknown command "publissh"; did you mean "publish"?'],
    [
      ['frobnicate'],
      'unknown command "frobnicate"; there are serve, publish, subscribe, bench, stats, nodes, sessions, users, channels, presence, history, disconnect, explain, token, key, init, completion',
    ],
    [['session'], 'unknown command "session"; did you mean "sessions"?'],
    [['sessions', '--usr', 'ann'], `unknown option '--usr'; did you mean --user?`],
    [['presence'], `missing required argument 'channel'`],
    [['sessions', 'a', 'b'], /^bayeuxd: too many arguments for 'sessions'/],
    [['--port'], `option '--port <number>' argument missing`],
    [['--check', '--print-config'], `option '--check' cannot be used with option '--print-config'`],
    [['publish', 'http://a/b'], `missing required argument 'channel'`],
    [['publish', 'http://a/b', '/c', '1', '2'], /^bayeuxd: too many arguments for 'publish'/],
    [['publish', 'http://a/b', '/c', '1', '--port', '2'], `unknown option '--port'`],
  ])('refuses %o in one line', async (args, line) => {
    const { code, stdout, stderr, serve, publish } = await parse(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(line instanceof RegExp ? line : `bayeuxd: ${line}\n`);
    expect(stderr.trim().split('\n').length).toBe(1);
    expect(serve.mock.calls.length + publish.mock.calls.length).toBe(0);
  });
});
