import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = resolve('scripts/changelog.js');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'changelog-'));
  writeFileSync(join(folder, 'package.json'), '{"version":"1.2.0"}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(changelog: string, ...args: readonly string[]) {
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr, changelog: readFileSync(join(folder, 'CHANGELOG.md'), 'utf8') };
}

const unreleased = '# Changelog\n\n## 1.2.0 (unreleased)\n\n- New.\n\n## 1.1.0 (2026-01-02)\n\n- Old.\n';
const released = unreleased.replace('unreleased', '2026-11-28');

describe('the changelog of a release', () => {
  it('is dated by `npm version`, other sections left alone', () => {
    const date = new Date().toISOString().slice(0, 10);
    const { status, changelog } = run(unreleased, 'release');
    expect([status, changelog]).toEqual([0, unreleased.replace('unreleased', date)]);
  });

  it('takes the version that the package has by then', () => {
    const { changelog } = run(unreleased.replace('1.2.0', '1.1.1'), 'release');
    expect(changelog).toContain('## 1.2.0 (2');
  });

  it('gives the notes of the version alone', () => {
    expect(run(released, 'notes', '1.2.0')).toMatchObject({ status: 0, stdout: '- New.\n' });
  });

  it.each([
    ['release', [], released, 'nothing to release'],
    ['notes', ['1.1.0'], released, 'the package is 1.2.0'],
    ['notes', ['1.2.0'], unreleased, 'has no date'],
    ['notes', ['1.2.0'], '# Changelog\n', 'has no section of 1.2.0'],
    ['note', [], released, 'usage'],
  ])('%s %j is refused where it cannot be right', (command, args, changelog, message) => {
    const result = run(changelog, command, ...args);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(message);
    expect(result.changelog).toBe(changelog);
  });
});
