import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { historyStore } from '../../src/cli/history-store.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import { LevelHistory } from '../../src/features/history/level/level-history.ts';
import { problemsOf } from '../support/config-problems.ts';
import { installedWithout, runIn } from '../support/installed-without.ts';

const durable = '{"/kept":{"history":true}}';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bayeuxd-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
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
    const place = installedWithout('classic-level');
    const path = join(place, 'history');
    expect(await runIn(place, ['--port', '0', '--history-path', path, '--channels', durable])).toEqual({
      status: 1,
      stderr:
        'bayeuxd: configuration: history.path needs the package classic-level: npm install classic-level\n',
    });
    expect(await runIn(place, ['--check', '--history-path', path, '--channels', durable])).toMatchObject({
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
    expect(await runIn('.', ['--config', config])).toEqual({
      status: 1,
      stderr: `bayeuxd: history.path: ${path} has other files: name an empty folder, or one that does not exist\n`,
    });
  });
});
