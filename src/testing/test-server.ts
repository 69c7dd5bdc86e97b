import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server, type ServerSettings } from '../server.ts';

/** How a server for a test is started. */
export interface TestServerSettings extends ServerSettings {
  /** Where it is attached; `/bayeux` if absent. */
  readonly path?: string;
}

/** A server on a free port of 127.0.0.1. */
export interface TestServer extends AsyncDisposable {
  readonly server: Server;
  /** `http://127.0.0.1:PORT/bayeux` */
  readonly url: string;
  /** `ws://127.0.0.1:PORT/bayeux` */
  readonly websocketUrl: string;
  /** Ends sessions and connections at once, whatever `drain` says. Resolves when the port is free again. */
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. Throws `UsageError` for bad settings, and what its engine or history fails to open with. */
export async function startTestServer(settings: TestServerSettings = {}): Promise<TestServer> {
  const { path = '/bayeux', ...rest } = settings;
  const server = new Server(rest);
  const http = createServer();
  const close = closer(server, http);
  try {
    server.attach(http, { path });
    await server.open();
  } catch (error) {
    await close();
    throw error;
  }
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const place = `127.0.0.1:${port}${path}`;
  return {
    server,
    url: `http://${place}`,
    websocketUrl: `ws://${place}`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function closer(server: Server, http: HttpServer): () => Promise<void> {
  // Those of WebSockets as well, which `closeAllConnections` does not know.
  const sockets = new Set<Socket>();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const close = async (): Promise<void> => {
    // The second call cuts short the drain that the first begins.
    await Promise.all([server.close(), server.close()]);
    const closed = new Promise<void>((resolve) => void http.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  let closing: Promise<void> | undefined;
  return () => {
    closing ??= close();
    return closing;
  };
}
