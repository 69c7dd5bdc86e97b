import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const { folder, file } = tempFolder();

/** Has the program load a policy, and gives what it says. */
async function check(path: string) {
  const child = spawn(process.execPath, ['bin/bayeuxd.js', '--check', '--policy', path]);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

/** Starts the program, and gives its address with the log until then. */
async function start(args: readonly string[]) {
  const child = spawn(process.execPath, ['bin/bayeuxd.js', '--port', '0', ...args], {
    env: { PATH: process.env.PATH },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const log = text(child.stderr);
  const exited = once(child, 'exit');
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += chunk;
    if (printed.includes('API key')) break;
  }
  const port = /:(\d+)\/bayeux/.exec(printed)?.[1];
  const url = `http://127.0.0.1:${port}`;
  const end = async () => {
    child.kill('SIGTERM');
    await exited;
    return log;
  };
  return { url, printed, end };
}

async function say(url: string, message: object) {
  const response = await fetch(`${url}/bayeux`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
  const replies: unknown = await response.json();
  return Array.isArray(replies) ? replies[0] : undefined;
}

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

describe.concurrent('the file of a policy', () => {
  const good = 'export default { canSubscribe: ({ channel }) => channel === "/open" };\n';

  it.each([
    ['policy.mjs', good],
    ['policy.cjs', good.replace('export default', 'module.exports =')],
    ['policy.js', good],
  ])('may be %s', async (name, content) => {
    const { stdout, stderr } = await check(file(name, content));
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^The configuration is valid\.\nThe policy in \S+ is asked about each message, and may refuse it\.\n/,
    );
  });

  it.each([
    ['none.js', undefined, / is not there; correct the path$/],
    [
      'syntax.mjs',
      'export default {\n  canSubscribe( => true,\n};\n',
      /syntax\.mjs:2 is no JavaScript: Unexpected/,
    ],
    ['thrown.mjs', 'throw new Error("no database");\n', / failed while it was loaded: no database$/],
    [
      'missing.mjs',
      'import "no-such-package";\n',
      / imports "no-such-package", which is not installed: npm install no-such-package$/,
    ],
    ['lost.mjs', 'import "./helper.js";\n', / imports a file that is not there: .*helper\.js$/],
    ['policy.txt', good, / is no JavaScript: name a file that ends in \.js, \.mjs or \.cjs$/],
    [
      'named.mjs',
      'export const policy = {};\n',
      / has no default export: write export default \{ canSubscribe/,
    ],
    [
      'function.mjs',
      'export default () => true;\n',
      / exports a function by default, which is no policy: write export default \{/,
    ],
    ['typo.mjs', 'export default { canSubcribe: () => true };\n', /canSubcribe.*canSubscribe/],
    ['empty.mjs', 'export default {};\n', / has none of canHandshake, canSubscribe, canPublish/],
  ])('is refused in one sentence that names the fix: %s', async (name, content, message) => {
    const path = content === undefined ? join(folder, name) : file(name, content);
    const { stdout, stderr } = await check(path);
    expect(stdout).toBe('');
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr).toMatch(new RegExp(`^bayeuxd: policy: \\S+${name}[ :][^\\n]+\\n$`));
  });
});

describe('the program where others can reach it', () => {
  it('serves the dashboard when asked to, and says how to ask', async () => {
    const away = ['--host', '0.0.0.0', '--insecure', '--api-key', 'correct-horse'];
    const line = /^ {2}Dashboard (.*)$/m;
    const shut = await start(away);
    expect(line.exec(shut.printed)?.[1]).toBe(
      'off, since other machines can reach this server; --admin turns it on',
    );
    expect((await fetch(`${shut.url}/admin/`)).status).toBe(404);
    const open = await start([...away, '--admin']);
    expect(line.exec(open.printed)?.[1]).toMatch(/^http:.*\/admin\/$/);
    expect((await fetch(`${open.url}/admin/`)).status).toBe(200);
    const without = await start([]);
    expect(without.printed).not.toContain('Dashboard');
    expect((await fetch(`${without.url}/admin/`)).status).toBe(404);
  });

  it('says what everybody can do without a policy, and serves no page and no JSONP', async () => {
    const { url, printed, end } = await start(['--host', '0.0.0.0', '--insecure']);
    expect(printed).toMatch(
      /^ {2}Chat {6}off, since other machines can reach this server; --demo turns it on$/m,
    );
    expect((await fetch(`${url}/`)).status).toBe(404);
    const { supportedConnectionTypes } = await say(url, handshake);
    expect(supportedConnectionTypes).toContain('long-polling');
    expect(supportedConnectionTypes).not.toContain('callback-polling');
    const warnings = (await end()).split('\n').filter((line) => line.includes('"warn"'));
    expect(warnings.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        event: 'policy.absent',
        msg: expect.stringMatching(/subscribe to every channel.*publish.*--policy/),
      }),
    ]);
  });

  it('does not start while everybody may do everything, and says what to do', async () => {
    const child = spawn(process.execPath, ['bin/bayeuxd.js', '--port', '0', '--host', '0.0.0.0']);
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^bayeuxd: --host: host lets others reach .*; --insecure serves it all the same\n$/,
    );
  });

  it('asks the policy it was given, and warns of nothing but its refusals', async () => {
    const policy = file(
      'rules.mjs',
      'export default { canSubscribe: ({ channel }) => channel === "/open" };\n',
    );
    const { url, end } = await start(['--host', '0.0.0.0', '--policy', policy]);
    const { clientId } = await say(url, handshake);
    const subscribe = (subscription: string) =>
      say(url, { channel: '/meta/subscribe', clientId, subscription });
    expect(await subscribe('/open')).toMatchObject({ successful: true });
    expect(await subscribe('/closed')).toMatchObject({ error: '403:/closed:subscribe_denied' });
    const warnings = (await end()).split('\n').filter((line) => line.includes('"warn"'));
    expect(warnings.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'message.refused', channel: '/meta/subscribe', reply: '403:/closed:subscribe_denied' },
    ]);
  });

  it('warns of nothing on this machine alone', async () => {
    const { end } = await start([]);
    expect(await end()).not.toContain('"warn"');
  });
});
