import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Server as NetServer, type Socket } from 'node:net';
import { format, promisify } from 'node:util';
import { onPort, type Program, sourcesByName } from './program.ts';

const folder = 'spec/docs/.run';
const sources = sourcesByName();

/** The programs under way print here, each to its own list. */
const printed = new Map<string, string[]>();
Object.assign(globalThis, {
  consoleOf: (id: string) => ({
    log: (...values: unknown[]) => void printed.get(id)?.push(...format(...values).split('\n')),
  }),
});

/** Writes a program as a module that can be run, and type-checked, in this project. */
export function moduleOf({ code, typed }: Program, id: string, port: number): string {
  const own = `const console = (globalThis as any).consoleOf('${id}');\n`;
  const file = `${folder}/${id}.${typed ? 'ts' : 'js'}`;
  const named = onPort(code, port).replaceAll(/'(bayeuxd[\w./-]*)'/g, (_, name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw new Error(`package.json exports no "${name}"`);
    return `'../../../${source}'`;
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${typed ? own : own.replace(' as any', '')}${named}\nexport {};\n`);
  return file;
}

/** Runs a program, and gives the lines it prints: more may come. Throws what it throws. */
export async function runCode(program: Program, id: string, port: number): Promise<readonly string[]> {
  const lines: string[] = [];
  printed.set(id, lines);
  const file = moduleOf(program, id, port);
  await import(/* @vite-ignore */ `${process.cwd()}/${file}`);
  return lines;
}

/** Whether a program is tests for `node:test`. */
export const isTests = ({ code }: Program): boolean => code.includes("from 'node:test'");

/** Runs tests by `node --test`, with the package as it was built. Throws what the runner prints unless there are some and all pass. */
export async function runTests({ code }: Program, id: string): Promise<void> {
  if (!existsSync('dist/testing/index.js')) throw new Error('there is no dist: npm run build first');
  const file = `${folder}/${id}.test.js`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, code);
  const flags = ['--test', '--test-reporter=tap', file];
  const failed = (error: { stdout?: string }) => ({ stdout: String(error.stdout ?? error) });
  const { stdout } = await promisify(execFile)(process.execPath, flags).catch(failed);
  if (!/^# pass [1-9]/m.test(stdout) || !/^# fail 0$/m.test(stdout)) throw new Error(stdout);
}

export function removeModules(): void {
  rmSync(folder, { recursive: true, force: true });
}

const servers = new Set<NetServer>();
const sockets = new Set<Socket>();
const { listen } = NetServer.prototype;

/** Notes every server that is started from here on, so that `stopServers` finds it. */
export function watchServers(): void {
  NetServer.prototype.listen = function (this: NetServer, ...args: unknown[]) {
    servers.add(this);
    this.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    return Reflect.apply(listen, this, args);
  };
}

/** Stops every server that was started, and what is connected to it. */
export function stopServers(): void {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  servers.clear();
}
