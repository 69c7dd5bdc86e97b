import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';
import { freePort } from './free-port.ts';

/** The program: `REDIS_SERVER` may name that of a Valkey. */
const program = process.env.REDIS_SERVER ?? 'redis-server';

/** Why specs with Redis are skipped; undefined where they run. Throws if `REDIS_SERVER` names no program. */
export const redisIsMissing: string | undefined = missing();

function missing(): string | undefined {
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0) return undefined;
  if (process.env.REDIS_SERVER !== undefined)
    throw new Error(`REDIS_SERVER names ${program}, which cannot be run`);
  return 'redis-server is not installed: apt-get install redis-server';
}

const address = '127.0.0.1';

/** A redis-server of its own folder and port, for one spec file. */
export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'bayeuxd-redis-'));
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** Starts one that ends with the spec file. It keeps nothing on the disk unless the arguments say so. */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), ['--save', '', ...args]);
    afterAll(() => server.#remove());
    await server.restart();
    return server;
  }

  /** Starts a Sentinel that ends with the spec file. `config`: lines of its file. */
  static async startSentinel(...config: string[]): Promise<RedisServer> {
    const password = config.find((line) => line.startsWith('requirepass '))?.slice('requirepass '.length);
    const server = new RedisServer(
      await freePort(),
      password === undefined ? [] : ['--requirepass', password],
    );
    afterAll(() => server.#remove());
    const lines = [`port ${server.port}`, `bind ${address}`, `dir ${server.#folder}`, ...config];
    const file = join(server.#folder, 'sentinel.conf');
    writeFileSync(file, lines.join('\n'));
    await server.#spawn([file, '--sentinel'], 'Sentinel ID is');
    return server;
  }

  /** With the password, if `--requirepass`, or that line of a Sentinel, gives it one. */
  get url(): string {
    const at = this.#args.indexOf('--requirepass');
    const user = at === -1 ? '' : `:${this.#args[at + 1]}@`;
    return `redis://${user}${address}:${this.port}`;
  }

  /** Starts the process again, after `kill`. Resolves when it serves, unless `ready` is something it writes before. */
  restart(ready = 'Ready to accept connections'): Promise<void> {
    const where = ['--port', String(this.port), '--bind', address, '--dir', this.#folder];
    return this.#spawn([...where, ...this.#args], ready);
  }

  async #spawn(args: readonly string[], ready: string): Promise<void> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.includes(ready)) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`${program} did not start:\n${lines.join('\n')}`);
  }

  /** The process takes no step until `continue`. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  continue(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Ends the process without a chance to write anything. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async #remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }
}
