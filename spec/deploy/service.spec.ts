import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configFile } from '../../src/cli/init.ts';
import { optionTable } from '../../src/server-options.ts';
import { freePort } from '../support/free-port.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { folder } = tempFolder();
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const hasHadolint = spawnSync('hadolint', ['--version']).status === 0;
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of the Dockerfile, continued lines joined, comments left out. */
function instructions(): readonly Instruction[] {
  const lines = readFileSync('deploy/Dockerfile', 'utf8').replaceAll(/^#.*\n/gm, '');
  return lines
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', text: line.slice(line.indexOf(' ') + 1) }));
}

const all = instructions();
const of = (name: string) => all.filter((one) => one.name === name).map(({ text }) => text);
/** Those of the image that is kept: after the last FROM. */
const kept = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
const lastOf = (name: string) => kept.findLast((one) => one.name === name)?.text ?? '';
const wordsOf = (text: string): readonly string[] => JSON.parse(text.slice(text.indexOf('[')));

/** What the image has in its working directory, without docker: a copy of what the instructions copy. */
function image(): string {
  const place = join(folder, 'app');
  for (const { name, text } of kept) {
    const [, from = '', to = ''] = /^--from=build \/build\/(\S+) (\S+)$/.exec(text) ?? [];
    if (name !== 'COPY') continue;
    const target = join(place, to, to.endsWith('/') ? from.slice(from.lastIndexOf('/') + 1) : '');
    mkdirSync(dirname(target), { recursive: true });
    if (from === 'node_modules') symlinkSync(resolve(from), target);
    else cpSync(from, target, { recursive: true });
  }
  return place;
}

describe('the Dockerfile', () => {
  it('takes a Node that the package supports', () => {
    const [, least = 0] = /(\d+)/.exec(manifest.engines.node) ?? [];
    for (const base of of('FROM'))
      expect(Number(/^node:(\d+)-/.exec(base)?.[1])).toBeGreaterThanOrEqual(Number(least));
  });

  it('copies only files that the package publishes, and their dependencies', () => {
    const copied = kept
      .filter(({ name }) => name === 'COPY')
      .map(({ text }) => /\/build\/(\S+)/.exec(text)?.[1]);
    expect(copied).toEqual(['package.json', 'node_modules', 'bin/bayeuxd.js', 'dist']);
    expect(manifest.files).toEqual(expect.arrayContaining(['bin/bayeuxd.js', 'dist']));
  });

  it('has the optional packages of the program, in the versions that it supports', () => {
    for (const name of ['classic-level', 'prom-client']) {
      expect(of('RUN').join()).toContain(`'dependencies.${name}=${manifest.peerDependencies[name]}'`);
      expect(of('RUN').join()).toContain(`devDependencies.${name}`);
    }
  });

  it('does not run as root', () => expect(Number(lastOf('USER'))).toBeGreaterThan(0));

  it('builds from files that .dockerignore lets in', () => {
    const ignored = readFileSync('.dockerignore', 'utf8').split('\n');
    expect(ignored).toContain('*');
    const named = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(named.filter((name) => !existsSync(name))).toEqual([]);
    expect(named).toEqual(
      expect.arrayContaining(['src', 'bin', 'scripts', 'docs', 'package-lock.json', '.npmrc']),
    );
    for (const secret of ['node_modules', 'spec', '.git']) expect(named).not.toContain(secret);
  });

  it('starts the program without a shell, finds it healthy, and SIGTERM ends it with 0', async () => {
    const cwd = image();
    const port = String(await freePort());
    // Other machines may not reach what runs here.
    const env = { PATH: process.env.PATH, BAYEUXD_HOST: '127.0.0.1', BAYEUXD_PORT: port };
    const [command = '', ...args] = wordsOf(lastOf('ENTRYPOINT'));
    const health = wordsOf(lastOf('HEALTHCHECK'));
    const check = () => spawnSync(health[0] ?? '', health.slice(1), { env }).status;
    expect(check()).toBe(1);

    const child = spawn(command, args, { cwd, env, stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await expect.poll(check, { timeout: 15_000, interval: 100 }).toBe(0);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(check()).toBe(1);
  });

  it.runIf(hasHadolint)('hadolint finds no fault with it', () => {
    expect(String(spawnSync('hadolint', ['deploy/Dockerfile']).stdout)).toBe('');
  });
});

describe('the systemd unit', () => {
  const unit = readFileSync('deploy/systemd/bayeuxd.service', 'utf8');
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

  it('runs the program of the package, and reloads it with SIGHUP', () => {
    const [, program = ''] = /\/node_modules\/bayeuxd\/(\S+)/.exec(setting('ExecStart')) ?? [];
    expect(program).toBe(manifest.bin.bayeuxd);
    expect(setting('ExecReload')).toBe('/bin/kill -HUP $MAINPID');
  });

  it('gives the server the time that it takes to drain', () => {
    const window = Number(/^# {2}window: (\d+)/m.exec(configFile({}))?.[1]);
    const grace = optionTable.shutdownGrace.default;
    expect(Number(setting('TimeoutStopSec')) * 1000).toBeGreaterThan(window + grace);
  });

  it.runIf(canVerify)('systemd finds no fault with it, and little exposed', () => {
    const analyze = (...args: string[]) =>
      spawnSync('systemd-analyze', [...args, 'deploy/systemd/bayeuxd.service'], { encoding: 'utf8' });
    const { stdout } = analyze('security', '--offline=true', '--no-pager');
    expect(Number(/Overall exposure level .*: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
    const complaints = analyze('verify').stderr.split('\n');
    expect(
      complaints.filter((line) => line.includes('bayeuxd.service') && !/not executable/.test(line)),
    ).toEqual([]);
  });
});
