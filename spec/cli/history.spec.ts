import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/cli/config.ts';
import { ConfigError } from '../../src/cli/config-error.ts';
import { historyStore } from '../../src/cli/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';

const durable = '{"/kept":{"history":true}}';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function problemsOf(flags: Readonly<Record<string, string>>): string[] {
  try {
    loadConfig((flag) => flags[flag], {});
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map(({ place, message }) => `${place}: ${message}`);
    throw error;
  }
  return [];
}

/** Runs the program of this folder to its end. */
async function run(place: string, args: readonly string[]) {
  const child = spawn(process.execPath, [join(place, 'bin/bayeuxd.js'), ...args], {
    env: { PATH: process.env.PATH },
  });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { status, stderr };
}

/** The program as it is installed where nobody asked for the database. */
function withoutDatabase(): string {
  const place = folder();
  for (const part of ['bin', 'dist', 'package.json']) cpSync(part, join(place, part), { recursive: true });
  // Empty: where folders above have it, none is looked for there.
  mkdirSync(join(place, 'node_modules', 'classic-level'), { recursive: true });
  const others = readdirSync('node_modules').filter((name) => name !== 'classic-level');
  for (const name of others) symlinkSync(resolve('node_modules', name), join(place, 'node_modules', name));
  return place;
}

describe("the program's history", () => {
  it('is in memory, as large as it is said', async () => {
    const store = await historyStore({ path: undefined, sync: false, maxBytes: 2000, maxChannels: 1 });
    expect(store).toBeInstanceOf(MemoryHistory);
    await store.open({ retention: () => ({ maxEvents: 100, maxAge: 1000 }), now: () => 0 });
    for (let at = 0; at < 10; at += 1) await store.append('/a', 'x'.repeat(400));
    expect((await store.read('/a', 0, 10)).length).toBeLessThan(5);
    await store.append('/b', 'x');
    expect(await store.read('/a', 0, 10)).toEqual([]);
  });

  it('is in the folder that is named, within the same bounds', async () => {
    const path = join(folder(), 'history');
    const store = await historyStore({ path, sync: true, maxBytes: 2000, maxChannels: 1 });
    expect(store).toBeInstanceOf(LevelHistory);
    await store.open({ retention: () => ({ maxEvents: 100, maxAge: 1e9 }), now: () => Date.now() });
    for (let at = 0; at < 10; at += 1) await store.append('/a', 'x'.repeat(400));
    expect((await store.read('/a', 0, 10)).length).toBeLessThan(5);
    await store.append('/b', 'x');
    expect(await store.read('/a', 0, 10)).toEqual([]);
    await store.close();
    expect(readdirSync(path)).toContain('CURRENT');
  });

  it('is refused when its options contradict each other', () => {
    const path = join(folder(), 'history');
    expect(problemsOf({ '--history-path': path, '--history-sync': 'true', '--channels': durable })).toEqual(
      [],
    );
    expect(problemsOf({ '--history-sync': 'true' })).toEqual([
      '--history-sync: history.sync needs history.path too',
    ]);
  });

  it('says what to install for a folder', async () => {
    const place = withoutDatabase();
    const path = join(place, 'history');
    expect(await run(place, ['--port', '0', '--history-path', path, '--channels', durable])).toEqual({
      status: 1,
      stderr:
        'bayeuxd: configuration: history.path needs the package classic-level: npm install classic-level\n',
    });
    expect(await run(place, ['--check', '--history-path', path, '--channels', durable])).toMatchObject({
      stderr: expect.stringContaining('npm install classic-level'),
    });
    expect(readdirSync(place)).not.toContain('history');
  });

  it('keeps the program from starting when its folder cannot be used', async () => {
    const path = folder();
    writeFileSync(join(path, 'letter.txt'), 'Dear all');
    const config = join(folder(), 'bayeuxd.json');
    const channels = { '/kept': { history: true } };
    writeFileSync(config, JSON.stringify({ port: 0, logLevel: 'silent', history: { path }, channels }));
    expect(await run('.', ['--config', config])).toEqual({
      status: 1,
      stderr: `bayeuxd: history.path: ${path} has other files: name an empty folder, or one that does not exist\n`,
    });
  });
});
