import type { Log } from '../../lib/log.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { Feature, FeatureHost, FeatureModule, Watcher } from '../../ports/feature.ts';
import type { Request } from '../../protocol/message.ts';
import type { Outgoing } from '../../protocol/outgoing.ts';
import { redactedCopy } from './redacted.ts';

/** Whom a conduit was last used by, as far as its messages say. */
interface User {
  readonly clientId: string;
  readonly id: string;
}

/** Logs each message as it comes in and as it leaves, in order, by the public id of its session and without secrets. */
class Trace implements Feature, Watcher {
  readonly name = 'trace';
  readonly #log: Log;
  readonly #users = new WeakMap<Conduit, User>();
  readonly #watched = new WeakSet<Conduit>();
  #host: FeatureHost | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  start(host: FeatureHost): void {
    this.#host = host;
    host.watch(this);
  }

  received(requests: readonly Request[], conduit: Conduit): void {
    this.joined(conduit);
    for (const request of requests) {
      this.#note(conduit, 'clientId' in request ? request.clientId : undefined);
      this.#line('message.in', asSent(request), conduit);
    }
  }

  joined(conduit: Conduit): void {
    if (this.#watched.has(conduit)) return;
    this.#watched.add(conduit);
    const { send, end } = conduit;
    conduit.send = (batch, handover) => {
      if (conduit.alive) this.#left(batch, conduit);
      Reflect.apply(send, conduit, [batch, handover]);
    };
    conduit.end = (reason, why, text) => {
      const session = this.#idFor(conduit);
      const line = { level: 'trace', event: 'conduit.ended', transport: conduit.transport, reason } as const;
      if (conduit.alive) this.#log(session === undefined ? line : { ...line, session });
      Reflect.apply(end, conduit, [reason, why, text]);
    };
  }

  #left(batch: readonly Outgoing[], conduit: Conduit): void {
    for (const { message } of batch) if ('clientId' in message) this.#note(conduit, message.clientId);
    for (const { message } of batch) this.#line('message.out', message, conduit);
  }

  #note(conduit: Conduit, clientId: string | undefined): void {
    const id = clientId && this.#host?.idOf(clientId);
    if (clientId && id) this.#users.set(conduit, { clientId, id });
  }

  #line(
    event: string,
    message: { readonly channel?: unknown; readonly clientId?: unknown },
    conduit: Conduit,
  ): void {
    const session = this.#idFor(conduit);
    const own = typeof message.clientId === 'string' && message.clientId !== '' ? [message.clientId] : [];
    const secrets = [...own, this.#users.get(conduit)?.clientId ?? []].flat();
    const copy = redactedCopy(message, secrets);
    this.#log({
      level: 'trace',
      event,
      ...(session !== undefined && { session }),
      transport: conduit.transport,
      ...(typeof message.channel === 'string' && { channel: channelIn(copy) }),
      message: copy,
    });
  }

  #idFor(conduit: Conduit): string | undefined {
    return this.#users.get(conduit)?.id ?? conduit.session?.id;
  }
}

function channelIn(copy: unknown): unknown {
  return typeof copy === 'object' && copy !== null && 'channel' in copy ? copy.channel : undefined;
}

/** As the client sent it: without what only the codec knows. */
function asSent(request: Request): { readonly channel?: unknown; readonly clientId?: unknown } {
  if (request.kind === 'invalid') return { ...request };
  return { ...request.extra, ...request, ...{ kind: undefined, extra: undefined, hasData: undefined } };
}

export const traceModule = {
  sections: { Extensions: {} },
  make: ({ log, trace }: { readonly log: Log; readonly trace?: boolean }): Feature | undefined =>
    trace ? new Trace(log) : undefined,
} as const satisfies FeatureModule;
