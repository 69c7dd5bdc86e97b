import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { helpScreen } from '../../src/cli/help-screen.ts';
import { helpText } from '../../src/cli/help.ts';
import { allOptions, sections } from '../../src/cli/options.ts';

describe('the first screen of help', () => {
  const screen = helpScreen('1.2.3');
  const lines = screen.trimEnd().split('\n');

  it('fits 80 columns and 24 lines, with one for the prompt', () => {
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThan(24);
  });

  it('names the commands, a dozen options that there are, and where the others are', () => {
    for (const command of ['serve', 'publish', 'subscribe']) expect(screen).toContain(`bayeuxd ${command} `);
    const flags = screen.match(/(?<=^ {2}.*)--[a-z][a-z-]*/gm) ?? [];
    const known = [...allOptions.map(({ flag }) => flag), '--no-demo', '--config', '--check', '--help'];
    expect(flags.filter((flag) => !known.includes(flag))).toEqual([]);
    expect(new Set(flags).size).toBeGreaterThan(11);
    expect(screen).toContain('bayeuxd --help all');
  });
});

describe('the whole help', () => {
  const commands = [
    ['bayeuxd serve [options]', 'Serve.'],
    ['bayeuxd bench <url>', 'Measure.'],
  ] as const;
  const help = helpText('1.2.3', 100, commands);

  it('names the commands, every section and every flag', () => {
    for (const [command] of commands) expect(help).toContain(command);
    for (const title of Object.keys(sections)) expect(help).toContain(`\n${title}:\n`);
    for (const { flag, row } of allOptions) {
      expect(help).toMatch(
        new RegExp(`^  ${row.kind === 'boolean' ? `--\\[no-\\]${flag.slice(2)}` : `${flag} <\\w+>`}`, 'm'),
      );
    }
  });

  it('has every exit code', () => {
    for (const [code, meaning] of exitCodes) expect(help).toContain(`\n  ${code}  ${meaning}\n`);
  });

  it('says defaults, choices and what is inherited', () => {
    expect(help).toMatch(/^ {2}--timeout <ms> +How long a \/meta\/connect is held\. \(30000\)$/m);
    expect(help.replaceAll(/\s+/g, ' ')).toContain(
      'One of trace, debug, info, warn, error or silent. (info)',
    );
    expect(help).toMatch(/^ {2}--websocket-timeout <ms> +As --timeout, on this transport\.$/m);
    expect(help).toMatch(/^ {2}--\[no-\]broadcast-to-publisher .* subscribe to them\.\n +\(on\)$/m);
    expect(help).toMatch(/\(one per 32 KiB of\s+the heap limit\)/);
  });

  it.each([80, 100, 120])('keeps to %i columns', (width) => {
    const lines = helpText('1.2.3', width, commands).split('\n');
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  });
});
