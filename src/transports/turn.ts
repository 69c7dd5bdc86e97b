import type { HttpRequest, HttpResponse } from './http.ts';

/** Calls back when a response has its connection: at once, or after the earlier responses of a pipelined connection. */
export function atTurn(res: HttpResponse, call: () => void): void {
  if (res.socket === null) res.on('socket', call);
  else call();
}

/**
 * Calls back once when a response closes. Before Node 24, a response that waits for its turn on a connection
 * does not learn that the connection ended.
 */
export function hearClose(
  { socket }: Pick<HttpRequest, 'socket'>,
  res: HttpResponse,
  call: () => void,
): void {
  if (res.socket !== null) {
    res.on('close', call);
    return;
  }
  const waiting = waitingOn(socket);
  const closed = (): void => {
    if (waiting.delete(closed)) call();
  };
  waiting.add(closed);
  res.on('close', closed);
}

type Socket = HttpRequest['socket'];

const waiters = new WeakMap<Socket, Set<() => void>>();

// One listener per socket, however many requests are pipelined on it.
function waitingOn(socket: Socket): Set<() => void> {
  const known = waiters.get(socket);
  if (known !== undefined) return known;
  const waiting = new Set<() => void>();
  waiters.set(socket, waiting);
  socket.on('close', () => {
    for (const closed of waiting) closed();
  });
  return waiting;
}
