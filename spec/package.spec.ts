import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readPage } from './docs/markdown.ts';

const run = promisify(execFile);

/** The repository as a fresh clone has it, after `npm ci`. */
function clone(): string {
  const place = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
  const made = ['node_modules', 'dist', '.git', 'spec', 'bench', 'site', 'coverage'];
  for (const name of readdirSync('.').filter((one) => !made.includes(one)))
    cpSync(name, join(place, name), {
      recursive: true,
      filter: (from) => !/\/(vendor|pages\/docs|node_modules|site\/source)$/.test(from),
    });
  symlinkSync(resolve('node_modules'), join(place, 'node_modules'));
  return place;
}

/** Dependencies that an application never loads. */
const ofTheProgram = ['commander', 'yaml', 'pino', 'cometd', '@opentelemetry', '@redis', 'ioredis'];

const remove = (place: string) => rmSync(place, { recursive: true, force: true });

describe('the package', () => {
  const place = clone();
  const unpacked = join(place, 'unpacked/package');
  // Elsewhere: below `place` all of node_modules would be found.
  const app = mkdtempSync(join(tmpdir(), 'bayeuxd-app-'));
  afterAll(() => [place, app].forEach(remove));

  beforeAll(async () => {
    mkdirSync(join(place, 'dist/old'), { recursive: true });
    writeFileSync(join(place, 'dist/old/stale.js'), 'throw new Error("nobody imports this");\n');
    await run('npm', ['pack', '--pack-destination', place], { cwd: place });
    const tarball = readdirSync(place).find((name) => name.endsWith('.tgz')) ?? 'none';
    mkdirSync(dirname(unpacked));
    await run('tar', ['-xzf', join(place, tarball), '-C', dirname(unpacked)]);
    mkdirSync(join(app, 'node_modules'), { recursive: true });
    for (const name of readdirSync('node_modules'))
      if (name !== '.bin' && !ofTheProgram.includes(name))
        symlinkSync(resolve('node_modules', name), join(app, 'node_modules', name));
    // A link would be resolved to its place, from where the packages it needs are not found.
    cpSync(unpacked, join(app, 'node_modules/bayeuxd'), { recursive: true });
    writeFileSync(join(app, 'package.json'), '{ "type": "module" }');
  });

  /** What the compiler says of a program in strict TypeScript. */
  async function complaintsOf(code: string): Promise<string> {
    writeFileSync(join(app, 'app.ts'), code);
    const flags =
      '--noEmit --ignoreConfig --strict --target es2023 --module nodenext --types node --skipLibCheck false app.ts';
    const tsc = resolve('node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, ...flags.split(' ')], { cwd: app }).catch(
      (error: { stdout: string }) => error,
    );
    return stdout;
  }

  it('is built when it is packed', () => {
    const pages = [
      'http/pages/vendor/faye-client.js',
      'http/pages/vendor/uplot.js',
      'http/pages/admin/index.html',
      'http/pages/docs/index.html',
    ];
    for (const file of ['index.js', 'index.d.ts', 'cli/main.js', ...pages])
      expect(existsSync(join(unpacked, 'dist', file)), file).toBe(true);
  });

  it('runs the first app of the README, which is strict TypeScript, without what only the program needs', async () => {
    const [block] = readPage('README.md').blocks.filter(({ language }) => language === 'ts');
    const code = block?.text.replace('8000', '0') ?? '';
    expect(await complaintsOf(code)).toBe('');
    writeFileSync(join(app, 'app.js'), `${code}\nhttp.once('listening', () => process.exit(7));\n`);
    const failed = await run(process.execPath, ['app.js'], { cwd: app }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 7 });
  });

  it('has what tests need, for any runner, and its types', async () => {
    const code = `
      import { describe, it } from 'node:test';
      import { MemoryEngine } from 'bayeuxd';
      import { engineContract, startTestServer } from 'bayeuxd/testing';

      engineContract('memory', () => new MemoryEngine(), { describe, it });
      it('serves', async () => {
        const { url, close } = await startTestServer();
        const { status } = await fetch(url, { method: 'POST' });
        await close();
        if (status !== 400) throw new Error(String(status));
      });
    `;
    expect(await complaintsOf(code)).toBe('');
    writeFileSync(join(app, 'app.test.js'), code);
    const flags = ['--test', '--test-reporter=tap', 'app.test.js'];
    const { stdout } = await run(process.execPath, flags, { cwd: app }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toMatch(/^# pass 8\n# fail 0$/m);
  });

  it('has an engine for several nodes, and its types, and loads no client library before it is opened', async () => {
    const code = `
      import { redisEngine } from 'bayeuxd/redis';

      const { node } = redisEngine({ url: 'redis://127.0.0.1:6379' });
      console.log(node.length);
    `;
    expect(await complaintsOf(code)).toBe('');
    writeFileSync(join(app, 'redis.js'), code);
    const { stdout } = await run(process.execPath, ['redis.js'], { cwd: app });
    expect(stdout).toBe('8\n');
  });

  it('has nothing of an earlier build', () => {
    expect(existsSync(join(unpacked, 'dist/old'))).toBe(false);
  });

  it('has every file that its pages link to, specs aside', () => {
    const pages = filesIn(unpacked).filter((file) => file.endsWith('.md'));
    expect(pages).toContain(join(unpacked, 'README.md'));
    const broken = pages.flatMap((file) =>
      localLinks(file)
        .filter((target) => !existsSync(join(dirname(file), target)) && !target.startsWith('../spec/'))
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('has the sources that its source maps name', () => {
    const maps = filesIn(join(unpacked, 'dist')).filter((file) => file.endsWith('.map'));
    expect(maps.length).toBeGreaterThan(50);
    const lacking = maps.filter((file) => {
      const map: { sources: string[]; sourcesContent?: (string | null)[] } = JSON.parse(
        readFileSync(file, 'utf8'),
      );
      return !map.sources.every((_, at) => (map.sourcesContent?.[at] ?? null) !== null);
    });
    expect(lacking).toEqual([]);
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());
}

function localLinks(file: string): string[] {
  const { prose } = readPage(file);
  const targets = Array.from(
    prose.replaceAll(/`[^`]*`/g, '').matchAll(/(?:\]\(|src(?:set)?=")([^)\s#"]+)/g),
    ([, to = '']) => to,
  );
  return targets.filter((target) => !/^\w+:/.test(target));
}

describe('npm start', () => {
  it('passes SIGTERM on to the server, and leaves nothing behind', async () => {
    const place = clone();
    onTestFinished(() => remove(place));
    // As in a container: npm is told alone, not its group.
    const npm = spawn('npm', ['start', '--', '--port', '0'], { cwd: place, detached: true });
    const group = npm.pid ?? 0;
    onTestFinished(() => killGroup(group));
    const url = await listensAt(npm.stdout);
    const status = () => fetch(`${url}/`).then((response) => response.status);
    expect(await status()).toBe(200);
    const exited = once(npm, 'exit');
    npm.kill('SIGTERM');
    await exited;
    await expect(status()).rejects.toThrow('fetch failed');
    expect(() => process.kill(-group, 0)).toThrow('ESRCH');
  });
});

/** Where the server says it listens. The pipe stays open: a program that can not print ends by itself. */
function listensAt(output: Readable): Promise<string> {
  let text = '';
  return new Promise((found, ended) => {
    output.on('data', (chunk) => {
      text += chunk;
      const url = /Bayeux +(\S+)\/bayeux$/m.exec(text)?.[1];
      if (url !== undefined) found(url);
    });
    output.on('end', () => ended(new Error(`npm start ended: ${text}`)));
  });
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It is gone, as it should be.
  }
}
