import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

interface Walk {
  readonly functions: number;
  readonly calls: number;
  readonly files: number;
  readonly names: readonly string[];
}

const script = fileURLToPath(new URL('./walk/walks.js', import.meta.url));
let walks: Readonly<Record<string, Walk>> = {};

beforeAll(async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  walks = JSON.parse(stdout);
});

// The numbers are a budget: lower them when a walk gets shorter. Node 24 enters two functions more.
const more = Number(process.versions.node.split('.')[0]) >= 24 ? 2 : 0;

describe('functions and files that are entered on the way of', () => {
  it.each([
    ['publish by HTTP to a held poll', 130, 29],
    ['publish by HTTP to a WebSocket', 125, 29],
    ['connect held and released by its timer', 104, 22],
    ['a publish that overflows a slow reader', 73, 23],
  ])('%s: at most %i in %i', (name, functions, files) => {
    const walk = walks[name];
    expect(walk?.functions, walk?.names.join('\n')).toBeLessThanOrEqual(functions + more);
    expect(walk?.files, walk?.names.join('\n')).toBeLessThanOrEqual(files);
    // A walk that did not happen is no short one.
    expect(walk?.functions).toBeGreaterThan(40);
  });
});

describe('one key of a file until a server obeys', () => {
  const walk = () => walks['one key of a file until a server obeys'];
  const callsOf = (name: string) =>
    walk()
      ?.names.find((one) => one.startsWith(`${name} `))
      ?.split(' ')[2];

  it('takes at most 1,137 calls', () => {
    expect(walk()?.calls, walk()?.names.join('\n')).toBeLessThanOrEqual(1_137);
    expect(walk()?.calls).toBeGreaterThan(300);
  });

  it('resolves the options once, and makes the rules of channels once', () => {
    expect(callsOf('server-options.js configOf')).toBe('2');
    expect(callsOf('server-options.js resolveWith')).toBe('1');
    expect(callsOf('channels/channel-rules.js ChannelRules')).toBe('1');
  });
});
