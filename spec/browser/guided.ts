import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, expect, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { readPage } from '../docs/markdown.ts';
import { onPort } from '../docs/program.ts';
import { patience } from './chat-page.ts';

/** An application that a step of a guide runs. */
interface GuidedApp {
  readonly port: number;
  readonly origin: string;
  start(): Promise<void>;
  stop(): void;
}

/** A guide whose steps have headings with a number, and give files. */
export interface Guide {
  /** The files that a step gives, by name. */
  filesOf(step: number): [name: string, content: string][];
  /** Writes the files of this step over those of the steps before, and runs the application. */
  run(step: number, env?: Readonly<Record<string, string>>): Promise<GuidedApp>;
}

/** Reads a guide, and makes a folder for its application that lasts as long as the spec file. */
export function guideIn(page: string): Guide {
  const { text } = readPage(page);
  const folder = mkdtempSync(join(tmpdir(), 'guide-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['express', 'cometd'])
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
  symlinkSync(resolve('.'), join(folder, 'node_modules/bayeuxd'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');

  const filesOf: Guide['filesOf'] = (step) => {
    const part = text.split(/^## /m).find((one) => one.startsWith(`${step}. `)) ?? '';
    const files = part.matchAll(/^File `([^`]+)`:\n\n```\w+\n(.*?)\n```$/gms);
    return Array.from(files, ([, name = '', content = '']) => [name, content]);
  };
  return {
    filesOf,
    async run(step, env = {}) {
      const port = await freePort();
      for (const [name, content] of Array.from({ length: step }, (_, at) => filesOf(at + 1)).flat()) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), `${onPort(content, port)}\n`);
      }
      const app = started(folder, port, env);
      onTestFinished(app.stop);
      await app.start();
      return app;
    },
  };
}

function started(folder: string, port: number, env: Readonly<Record<string, string>>): GuidedApp {
  const origin = `http://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  const answers = () =>
    fetch(origin).then(
      () => true,
      () => false,
    );
  return {
    port,
    origin,
    stop: () => void server?.kill(),
    async start() {
      const options = { cwd: folder, env: { ...process.env, ...env }, stdio: 'inherit' } as const;
      server = spawn(process.execPath, ['server.js'], options);
      await expect.poll(answers, patience).toBe(true);
    },
  };
}
