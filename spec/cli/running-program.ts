import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingHttpHeaders, type RequestOptions, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));

type Env = Readonly<Record<string, string>>;

/** Runs the program to its end. */
export async function run(args: readonly string[], env: Env = {}) {
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH: process.env.PATH, ...env } });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { status, stdout, stderr };
}

export interface Running {
  readonly child: ChildProcess;
  /** Address of the server. */
  readonly url: string;
  stdout(): string;
  stderr(): string;
  /** Resolves with the exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts the program. Resolves when its output has this text. */
export async function launch(
  args: readonly string[],
  env: Env = {},
  ready = /^ {2}API key .*$/m,
): Promise<Running> {
  const child = spawn(process.execPath, [bin, ...args], { env: { PATH: process.env.PATH, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const exited = once(child, 'close').then(([code]) => code);
  while (!ready.test(stdout + stderr)) {
    const ended = await Promise.race([
      exited.then(() => true),
      once(child.stdout, 'data'),
      once(child.stderr, 'data'),
    ]);
    if (ended === true) throw new Error(`the program ended: ${stderr}`);
  }
  const end = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    return exited;
  };
  const url = stdout.match(/Bayeux +(\S+)\/bayeux$/m)?.[1] ?? '';
  return { child, url, stdout: () => stdout, stderr: () => stderr, end };
}

/** Like `launch`, and stops the program at the end of the test. */
export async function serve(args: readonly string[] = [], env: Env = {}): Promise<Running> {
  const running = await launch(args.includes('--socket') ? args : ['--port', '0', ...args], env);
  onTestFinished(() => void running.end('SIGKILL'));
  return running;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request with Node's own client, which allows any `Host`. */
export function ask(url: string, options: RequestOptions & { readonly body?: string } = {}): Promise<Answer> {
  const { body, ...rest } = options;
  const request = url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, rejectUnauthorized: false, ...rest }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, headers: response.headers, body: text });
    });
    asked.on('upgrade', ({ statusCode, headers }, socket) => {
      socket.destroy();
      resolve({ status: statusCode, headers, body: '' });
    });
    asked.on('error', reject).end(body);
  });
}
