import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { refusalOfHost } from '../http/host-guard.ts';
import { asksForWebSocket, passOver } from '../http/pass-over.ts';
import { refuseUpgrade } from '../http/refuse-upgrade.ts';
import type { Refusals } from '../core/refusals.ts';
import { answersAnyHost } from './metrics.ts';
import { type HttpRequest, type HttpResponse, type RequestHead, refuse } from '../transports/http.ts';

/** The listening server, for HTTP/1.1 alone or for HTTP/2 too. */
interface Front {
  on(event: 'request', listener: (request: HttpRequest, response: HttpResponse) => void): unknown;
  on(event: 'upgrade', listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
  emit(event: string, socket: Duplex): boolean;
}

/**
 * Passes requests and upgrades for an allowed host to the server `behind`, and answers all others with 403
 * (CO-6), but for the health checks and the metrics. An upgrade to a protocol other than WebSocket stays with the server `front`.
 */
export function guardHosts(
  front: Front,
  behind: Server,
  allowed: readonly string[],
  refusals: Pick<Refusals, 'note'>,
): void {
  const refusalOf = (request: RequestHead) =>
    answersAnyHost(request) ? undefined : refusalOfHost(request, allowed, '"allowedHosts"', refusals);
  front.on('request', (request, response) => {
    const why = refusalOf(request);
    if (why === undefined) behind.emit('request', request, response);
    else refuse(response, 403, `Forbidden: ${why}`);
  });
  front.on('upgrade', (request, socket, head) => {
    if (!asksForWebSocket(request)) {
      passOver(request, socket, head, front);
      return;
    }
    const why = refusalOf(request);
    if (why === undefined) behind.emit('upgrade', request, socket, head);
    else refuseUpgrade(socket, { status: 403, text: `Forbidden: ${why}` });
  });
}
