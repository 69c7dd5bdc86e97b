import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { attachWebSocket, bayeux, Server } from '../../src/index.ts';

/** A running Bayeux server, its options left at their defaults. */
export interface Running {
  readonly name: string;
  readonly url: string;
  close(): Promise<void>;
}

export async function startBayeuxd(): Promise<Running> {
  const server = new Server();
  const http = createServer(express().use('/bayeux', bayeux(server)));
  attachWebSocket(http, '/bayeux', server);
  await server.open();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const close = async () => {
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return { name: 'bayeuxd', url: urlOf(port), close };
}

export const startFaye = (): Promise<Running> => startOther('Faye 1.4.3', 'faye');
export const startCometd = (): Promise<Running> => startOther('cometd-nodejs-server 1.2.1', 'cometd');

/** Apart, since some of what is asked of it raises errors there that nothing catches. */
async function startOther(name: string, which: string): Promise<Running> {
  const child = fork(new URL('other-server.js', import.meta.url), [which], { silent: true, execArgv: [] });
  child.stdout?.resume();
  child.stderr?.resume();
  const [port] = await once(child, 'message');
  const close = async () => {
    child.kill();
    await once(child, 'exit');
  };
  return { name, url: urlOf(port), close };
}

const urlOf = (port: unknown) => `http://127.0.0.1:${port}/bayeux`;
