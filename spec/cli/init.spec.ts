import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfigFile } from '../../src/cli/config-file.ts';
import { configFile } from '../../src/cli/init.ts';
import { allOptions, sections } from '../../src/cli/options.ts';
import { optionRows } from '../../src/options/table.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { run } from './running-program.ts';

const { file, folder } = tempFolder();
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('bayeuxd init', () => {
  it('writes a file that --check accepts and only its owner can read', async () => {
    const path = `${folder}/plain.yaml`;
    const made = await run(['init', path]);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout).toContain(`bayeuxd --config ${path} --check`);
    expect(modeOf(path)).toBe('600');
    const { apiKey } = parse(readFileSync(path, 'utf8'));
    expect(parse(readFileSync(path, 'utf8'))).toEqual({ apiKey: expect.stringMatching(/^[\da-f]{64}$/) });
    expect(made.stdout).not.toContain(apiKey);
    expect(await run(['--config', path, '--check'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('with --auth, turns authentication on, with a secret of its own', async () => {
    const path = `${folder}/auth.yaml`;
    await run(['init', '--auth', path]);
    const { apiKey, auth } = parse(readFileSync(path, 'utf8'));
    expect(auth).toEqual({ secret: expect.stringMatching(/^[\da-f]{64}$/) });
    expect(auth.secret).not.toBe(apiKey);
    const { status, stdout } = await run(['--config', path, '--check']);
    expect([status, stdout]).toEqual([0, expect.not.stringContaining('Everybody')]);
  });

  it('never overwrites a file unless it is told to, and then closes it to others', async () => {
    const path = file('kept.yaml', 'port: 1\n');
    const refused = await run(['init', path]);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toBe(
      `bayeuxd: ${path} cannot be written: it is there already; name another file, or overwrite it with --force\n`,
    );
    expect(readFileSync(path, 'utf8')).toBe('port: 1\n');
    expect(modeOf(path)).not.toBe('600');
    expect(await run(['init', '--force', path])).toMatchObject({ status: 0 });
    expect(Object.keys(parse(readFileSync(path, 'utf8')))).toEqual(['apiKey']);
    expect(modeOf(path)).toBe('600');
  });

  it('says what is wrong with a place where it cannot write', async () => {
    const { stderr } = await run(['init', `${folder}/none/b.yaml`]);
    expect(stderr).toContain('its folder does not exist; make it, or correct the path\n');
    mkdirSync(`${folder}/folder`);
    expect((await run(['init', '--force', `${folder}/folder`])).stderr).toContain(
      'it is a folder; name a file\n',
    );
    expect(existsSync(`${folder}/folder.new`)).toBe(false);
  });

  it('has a help screen of 80 columns', async () => {
    const { stdout } = await run(['init', '--help']);
    expect(stdout).toContain('Usage: bayeuxd init [options] [file]');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('the file that it writes', () => {
  const text = configFile({ apiKey: 'k'.repeat(16) });
  /** With all options set: comments of words begin with one space. */
  const uncommented = text.replaceAll(/^#(?=[a-z]| {2})/gm, '');
  const { entries } = readConfigFile(file('all.yaml', uncommented));

  it('has an option of every section, each with words', () => {
    const paths = new Set(entries.map(({ path }) => path));
    for (const [title, table] of Object.entries(sections)) {
      expect(text).toContain(`# ---- ${title} ----\n`);
      expect(
        optionRows(table).filter(({ path }) => paths.has(path)),
        title,
      ).not.toHaveLength(0);
    }
    for (const line of text.split('\n').filter((one) => /^#?[a-z ]\w*:/.test(one)))
      expect(text).toMatch(new RegExp(`^# .*\n${line.replaceAll(/[[\]().*+?^$|{}]/g, '\\$&')}$`, 'm'));
  });

  it('shows values that are accepted, of options that there are', () => {
    expect(entries.length).toBeGreaterThan(40);
    const known = new Set(allOptions.map(({ path }) => path));
    expect(entries.filter(({ path }) => !known.has(path))).toEqual([]);
  });

  it('shows the default, unless it says that it is an example', () => {
    const shown = new Map(entries.map(({ path, value }) => [path, value]));
    for (const { path, row } of allOptions) {
      const name = path.slice(path.lastIndexOf('.') + 1);
      const isExample = new RegExp(`An\\s(# )?example:\\n#? *${name}:`).test(text);
      if (shown.has(path) && !isExample && path !== 'apiKey')
        expect(shown.get(path), path).toEqual(row.default);
    }
  });

  it('keeps to 110 columns', () => {
    expect(text.split('\n').filter((line) => line.length > 110)).toEqual([]);
  });
});
