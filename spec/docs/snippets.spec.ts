import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfigFile } from '../../src/cli/config-file.ts';
import { settle, until } from '../support/until.ts';
import { freePort } from '../support/free-port.ts';
import { interpret, interpreters, isInstalled } from './interpreters.ts';
import { type Block, pages, parsePage } from './markdown.ts';
import { commandsOf, keeps, type Program, programsOf, promisedBy } from './program.ts';
import { key, startReference } from './reference-server.ts';
import {
  isTests,
  moduleOf,
  removeModules,
  runCode,
  runTests,
  stopServers,
  watchServers,
} from './run-code.ts';
import { runCommand } from './run-commands.ts';

/** Languages of blocks that no spec can run, and why. */
const notChecked: Record<string, string> = {
  text: 'a drawing or a tree; a test sees to it that it holds no code',
  mermaid: 'a drawing, which the pages of a repository show',
  javascript:
    'a file of a guide, run by a spec in spec/browser, or of the program, run by spec/tracing/program.spec.ts',
  html: 'a file of a guide; a spec in spec/browser runs it',
  css: 'a file of a guide; a spec in spec/browser runs it',
  nginx: 'spec/deploy runs the configuration; the log format of docs/policies.md was tried by hand with 1.22',
  haproxy: 'spec/deploy runs the configuration',
};

/** Commands that are not run here, and why. Each of them is in the documentation. */
const notRun: Record<string, string> = {
  'npm init -y && npm pkg set type=module && npm install bayeuxd express cometd':
    'would install into this checkout; spec/browser/guide.spec.ts runs the files that follow',
  'npm install bayeuxd express':
    'would install into this checkout; spec/package.spec.ts runs the app that follows',
  'npm install @opentelemetry/api @opentelemetry/sdk-trace-base @opentelemetry/context-async-hooks':
    'would install into this checkout, which has them',
  'NODE_OPTIONS=--import=./otel.mjs npx bayeuxd --tracing':
    'serves until it is stopped; spec/tracing/program.spec.ts runs it',
  'npm install bayeuxd @redis/client': 'would install into this checkout, which has them',
  'node start.js': 'serves until it is stopped; spec/examples.spec.ts runs it',
  'npm ci && npm start': 'serves until it is stopped, and would install into this checkout',
  'npm ci && npm run setup && npm test': 'is what runs this',
  'npm run bench': 'takes minutes, and both cores',
  'docker build -f deploy/Dockerfile -t bayeuxd .': 'there is no docker here; spec/deploy runs the parts',
  'docker run -p 8000:8000 -v ./bayeuxd.yaml:/etc/bayeuxd.yaml:ro bayeuxd --config /etc/bayeuxd.yaml':
    'there is no docker here; spec/deploy runs the parts',
  'curl -s -N -H "Authorization: Bearer $KEY" -G -d \'channel=/chat/**\' http://127.0.0.1:8000/api/tail':
    'waits for what others publish; spec/http/api/tail.spec.ts reads such a stream',
  'npx bayeuxd init': 'would write into this checkout; spec/cli/init.spec.ts runs it',
  "npx bayeuxd subscribe http://127.0.0.1:8000/bayeux '/orders/*'":
    'prints until it is interrupted; spec/browser/tutorial.spec.ts runs it',
  'npx bayeuxd publish http://127.0.0.1:8000/bayeux /orders/new \'{"table":5,"dish":"soup"}\'':
    'is refused in one step; spec/browser/tutorial.spec.ts runs it',
  "npx bayeuxd key --name ci --rights publish --channels '/ci/**,/news'":
    'prints a random key; spec/cli runs it',
  "npx bayeuxd key --name prometheus --rights read --channels '/**'": 'prints a random key; spec/cli runs it',
  "npx bayeuxd subscribe http://127.0.0.1:8000/bayeux '/chat/**'":
    'prints until it is interrupted; spec/cli runs it',
};

const checkers: Record<string, (block: Block) => void> = {
  json: ({ text }) => void JSON.parse(text),
  yaml: ({ text }) => {
    // A file of Kubernetes.
    if (text.startsWith('spec:')) return void expect(parse(text)).toHaveProperty('spec.containers');
    const folder = mkdtempSync(join(tmpdir(), 'docs-'));
    const file = join(folder, 'bayeuxd.yaml');
    writeFileSync(file, text);
    try {
      expect(readConfigFile(file).entries).not.toHaveLength(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const all = pages();
const programs = all.flatMap(programsOf);
const idOf = (program: Program) => `p${programs.indexOf(program)}`;

beforeAll(() => {
  watchServers();
  // Browsers and newer Nodes have one.
  const library: { Client: unknown } = createRequire(import.meta.url)('faye-websocket');
  Object.assign(globalThis, { WebSocket: Reflect.get(globalThis, 'WebSocket') ?? library.Client });
});
afterEach(stopServers);
afterAll(removeModules);

describe('the reader of the documentation', () => {
  it.each(['    indented()', '~~~js', '- ```js', '> ```', '```js title'])('does not overlook %j', (line) => {
    expect(parsePage('page.md', line).unreadable).toHaveLength(1);
  });

  it('reads a block with its heading', () => {
    const [block] = parsePage('page.md', '# A\n\n## B c\n\n```js\none();\n```\n').blocks;
    expect(block).toEqual({ language: 'js', text: 'one();', heading: 'B c', line: 5 });
  });

  it('reads commands, continued lines and what they print', () => {
    const block = { language: 'sh', text: '# why\na \\\n  b\n# prints 1 … 2\nc', heading: '', line: 1 };
    expect(commandsOf(block)).toEqual([
      { text: 'a b', prints: ['1 … 2'] },
      { text: 'c', prints: [] },
    ]);
  });

  it('takes … for anything, and nothing else', () => {
    expect(keeps(['a … c', '[x]'], ['a b c', '[x]'])).toBe(true);
    expect(keeps(['a.c'], ['abc'])).toBe(false);
    expect(keeps(['a'], ['a', 'b'])).toBe(false);
  });
});

describe.each(all)('$file', ({ blocks, unreadable }) => {
  it('has no code but in plain fenced blocks', () => expect(unreadable).toEqual([]));

  it('has only blocks in languages that are checked, or listed as not checked', () => {
    const run = ['js', 'ts', 'sh', ...Object.keys(interpreters)];
    const known = [...run, ...Object.keys(checkers), ...Object.keys(notChecked)];
    expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
  });

  it('has no code in its drawings', () => {
    const code = /\bimport\b.*\bfrom\b|\brequire\(|\bawait\b|\b(curl|npm|npx) |=>|;$|^\s*(const|let) /m;
    expect(blocks.filter(({ language, text }) => language === 'text' && code.test(text))).toEqual([]);
  });

  const checked = blocks.filter(({ language }) => language in checkers);
  it.each(checked)('has a $language block at line $line that can be read', (block) => {
    checkers[block.language]?.(block);
  });
});

describe('the code in the documentation', () => {
  it.each(programs.filter(isTests))('is tests that pass: $name', { timeout: 30_000 }, async (program) => {
    expect(program.commands).toEqual([]);
    await runTests(program, idOf(program));
  });

  const others = programs.filter((program) => !isTests(program));
  it.each(others)('runs as it stands: $name', { timeout: 30_000 }, async (program) => {
    const port = await freePort();
    if (!/\blisten\((\{ port: )?8000\b/.test(program.code)) await startReference(port);
    const promised = promisedBy(program.code);
    const lines = program.code === '' ? [] : await runCode(program, idOf(program), port);
    await until(() => lines.length >= promised.length, `prints ${promised}, not ${lines}`).catch(() => {});
    await settle();
    if (!keeps(promised, lines)) expect(lines).toEqual(promised);

    for (const command of program.commands) {
      if (command.text in notRun) continue;
      const output = await runCommand(command, port, { KEY: key });
      if (command.prints.length > 0 && !keeps(command.prints, output))
        expect(output, command.text).toEqual(command.prints);
    }
  });

  const inOthers = all.flatMap(({ file, blocks }) =>
    blocks
      .filter(({ language }) => language in interpreters)
      .map((block) => ({ ...block, name: `${file}, ${block.heading}` })),
  );
  describe.each(Object.keys(interpreters))('in %s', (language) => {
    const blocks = inOthers.filter((block) => block.language === language);

    it('is there', () => expect(blocks).not.toHaveLength(0));

    it.skipIf(!isInstalled(language)).each(blocks)(
      `runs where ${language} is installed (npm run setup): $name`,
      { timeout: 30_000 },
      async (block) => {
        const port = await freePort();
        await startReference(port);
        const lines = await interpret(block, port, { KEY: key });
        expect(lines).toEqual(promisedBy(block.text));
        expect(lines).not.toHaveLength(0);
      },
    );
  });

  // jsforce declares a part of faye for all code beside it.
  it.each(['with jsforce', 'without'])('has the right types: %s', { timeout: 60_000 }, (kind) => {
    const typed = programs.filter(
      ({ typed, code }) => typed && /'jsforce'/.test(code) === (kind !== 'without'),
    );
    const folder = `spec/docs/.run/${kind.replace(' ', '-')}`;
    mkdirSync(folder, { recursive: true });
    const files = typed.map((program) => moduleOf(program, `${idOf(program)}-types`, 8000));
    const include = [
      ...files.map((file) => `../../../../${file}`),
      '../../untyped.d.ts',
      '../../../../src/**/*.d.ts',
    ];
    writeFileSync(
      `${folder}/tsconfig.json`,
      JSON.stringify({ extends: '../../../../tsconfig.json', include }),
    );
    const tsc = () => execFileSync('node_modules/.bin/tsc', ['-p', folder], { encoding: 'utf8' });
    expect(files).not.toHaveLength(0);
    expect(output(tsc)).toBe('');
  });

  it('is TypeScript in the README', () => {
    const { blocks = [] } = all.find(({ file }) => file === 'README.md') ?? {};
    expect(blocks.filter(({ language }) => language === 'js')).toEqual([]);
  });

  it('says of every curl what it prints', () => {
    const silent = programs.flatMap(({ commands }) => commands.filter(({ prints }) => prints.length === 0));
    expect(silent.filter(({ text }) => text.startsWith('curl'))).toEqual([]);
  });

  it('has every command that is listed as not run', () => {
    const commands = programs.flatMap((program) => program.commands.map(({ text }) => text));
    expect(Object.keys(notRun).filter((command) => !commands.includes(command))).toEqual([]);
  });
});

/** What a command prints, whether it fails or not. */
function output(run: () => string): string {
  try {
    return run();
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
}
