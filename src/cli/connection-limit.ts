import type { Socket } from 'node:net';
import type { Refusals } from '../core/refusals.ts';
import { bareAddress, countingKey } from '../lib/address.ts';
import { systemClock } from '../lib/clock.ts';
import { overLimit } from '../protocol/over-limit.ts';
import { refuseUpgrade } from '../http/refuse-upgrade.ts';
import { comeAgain } from '../transports/http.ts';
import { type TrustProxy, trustOf } from '../transports/trusted-proxies.ts';

/** What listens. */
interface Front {
  emit(event: string | symbol, ...args: unknown[]): boolean;
}

interface ConnectionLimit {
  readonly maxConnectionsPerAddress: number;
  readonly trustProxy: TrustProxy;
}

const OPTION = 'maxConnectionsPerAddress';

/** How long a refused peer has to read the answer. Milliseconds. */
const LINGER = 1_000;

/**
 * Limits the TCP connections of one address. Those of trusted proxies are not counted: each carries the requests of many clients. A
 * connection too many gets 503, or is cut where TLS comes first.
 */
export function limitConnections(
  front: Front,
  { maxConnectionsPerAddress: limit, trustProxy }: ConnectionLimit,
  isSecure: boolean,
  refusals: Pick<Refusals, 'note'>,
): void {
  const open = new Map<string, number>();
  const isProxy = trustOf(trustProxy);
  const admits = (socket: Socket): boolean => {
    const address = bareAddress(socket.remoteAddress ?? '');
    if (address === '' || isProxy(address, 0)) return true;
    const key = countingKey(address);
    const count = open.get(key) ?? 0;
    if (count >= limit) {
      refusals.note('connection.refused', { option: OPTION, limit, address, why: overLimit(OPTION, limit) });
      return false;
    }
    open.set(key, count + 1);
    socket.once('close', () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    });
    return true;
  };
  // A listener could not keep the server from reading the connection.
  const { emit } = front;
  front.emit = (event, ...args) => {
    if (event === 'connection' && !admits(args[0] as Socket)) {
      turnAway(args[0] as Socket, isSecure, limit);
      return true;
    }
    return Reflect.apply(emit, front, [event, ...args]);
  };
}

function turnAway(socket: Socket, isSecure: boolean, limit: number): void {
  if (isSecure) {
    socket.destroy();
    return;
  }
  // An unread request would make the system cut the connection before the answer has arrived.
  socket.resume();
  const timer = systemClock.after(LINGER, () => void socket.destroy());
  socket.once('close', () => timer.cancel());
  const text = `Service unavailable: ${overLimit(OPTION, limit)}`;
  refuseUpgrade(socket, { status: 503, text, headers: comeAgain() });
}
