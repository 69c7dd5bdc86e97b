import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { bayeux, Server } from '../../src/index.ts';
import { freePort } from '../support/free-port.ts';
import { listen } from '../support/start.ts';
import { until } from '../support/until.ts';
import { classPath, isReady, versions } from './java/clients.js';

const rows = [
  'handshake',
  'publish',
  'wildcards',
  'batch',
  'burst of 900',
  'burst of 900 with ack',
  'timesync',
  'binary',
  'remote call',
  'restart',
  'server-side disconnect',
];

/** A server that does what the client asks for, in real time: the client has clocks of its own. */
class Host {
  readonly #transport: string;
  #server = new Server();
  #listener: NetServer = createServer();
  #port = 0;
  readonly #connections = new Set<{ destroy(): void }>();

  constructor(transport: string) {
    this.#transport = transport;
  }

  async start(): Promise<string> {
    this.#server = new Server();
    this.#server.onCall('/service/echo', ({ data }) => data);
    this.#listener = this.#transport === 'h2c' ? this.#serveHttp2() : this.#serveHttp();
    this.#port ||= await freePort();
    await listen(this.#listener, this.#port);
    return `http://127.0.0.1:${this.#port}/bayeux`;
  }

  async stop(): Promise<void> {
    await this.#server.close();
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #serveHttp(): NetServer {
    const http = createServer(bayeux(this.#server, { path: '/bayeux' }));
    this.#server.attachUpgrades(http, { path: '/bayeux' });
    return http.on('connection', (socket) => this.#keep(socket));
  }

  #serveHttp2(): NetServer {
    const http = createHttp2Server(bayeux(this.#server, { path: '/bayeux' }));
    return http.on('session', (session: ServerHttp2Session) => this.#keep(session));
  }

  #keep(connection: { destroy(): void }): void {
    this.#connections.add(connection);
  }

  async obey(asked: string): Promise<void> {
    const [what, clientId] = asked.split(' ');
    if (what === 'burst') {
      for (let at = 0; at < 900; at += 1) void this.#server.publish('/burst', { at, text: 'x'.repeat(100) });
    } else if (what === 'kick') {
      const session = [...this.#server.sessions].find((one) => one.clientId === clientId);
      // Without a connect held it is not told, and begins anew.
      await until(() => session?.state === 'held');
      session?.disconnect();
    } else if (what === 'restart') {
      await this.stop();
      await this.start();
    }
  }
}

/** Runs all rows; gives the fault of each, null where there is none. */
async function runRows(folder: string, transport: string): Promise<Map<string, unknown>> {
  const host = new Host(transport);
  const url = await host.start();
  const child: ChildProcess = spawn('java', ['-cp', classPath(folder), 'Client', url, transport], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const faults = new Map<string, unknown>();
  try {
    if (child.stdout === null) throw new Error('no output');
    for await (const line of createInterface(child.stdout)) {
      const said = JSON.parse(line);
      if (said.ask !== undefined) {
        await host.obey(said.ask);
        child.stdin?.write('done\n');
      } else if (said.row !== undefined) faults.set(said.row, said.fault);
    }
  } finally {
    child.kill('SIGKILL');
    await host.stop();
  }
  return faults;
}

const runs = versions.flatMap((one) =>
  ['long-polling', 'h2c', 'websocket'].map((transport) => ({
    ...one,
    transport,
    faults: new Map<string, unknown>(),
  })),
);

// All at once: the clients mostly wait.
beforeAll(async () => {
  const ready = runs.filter(({ folder }) => isReady(folder));
  await Promise.all(
    ready.map(async ({ folder, transport, faults }) => {
      for (const [row, fault] of await runRows(folder, transport)) faults.set(row, fault);
    }),
  );
}, 120_000);

describe.each(runs)("CometD's Java client $cometd by $transport", ({ folder, faults }) => {
  it.skipIf(!isReady(folder)).each(rows)('%s (without Java and Maven skipped: npm run setup)', (row) => {
    expect(faults.get(row)).toBeNull();
  });
});
