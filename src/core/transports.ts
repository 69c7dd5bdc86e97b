import { checkNames } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { TransportName } from '../ports/conduit.ts';
import type { Timing, Transport } from '../ports/transport.ts';

interface DeliveringTiming extends Timing {
  readonly metaConnectDeliverOnly: boolean;
}

/** The options of the Bayeux transports that concern the times and the delivery of sessions. */
export interface TransportTimes {
  readonly metaConnectDeliverOnly: boolean;
  readonly websocket: DeliveringTiming;
  readonly eventSource: Omit<Timing, 'interval'>;
  readonly longPolling: DeliveringTiming;
  readonly callbackPolling: Timing;
}

const forever: Timing = {
  timeout: Number.POSITIVE_INFINITY,
  interval: 0,
  maxInterval: Number.POSITIVE_INFINITY,
};

/** The transports that sessions may use: those of Bayeux, and those that were added. */
export class Transports {
  readonly #byName = new Map<TransportName, Transport & { readonly timing: Timing }>();
  readonly #usual: Timing;
  // Names that clients are offered, in order of preference.
  readonly #enabled: TransportName[];
  // Whether an HTTP server accepts WebSockets.
  #takesSockets = false;

  constructor(options: TransportTimes & { readonly transports: readonly TransportName[] }) {
    const { longPolling, transports, metaConnectDeliverOnly } = options;
    this.#usual = longPolling;
    for (const transport of standard(options)) this.#put(transport);
    // CN-14: a stream would stay empty if events travel with connect replies only.
    this.#enabled = transports.filter((name) => name !== 'eventsource' || !metaConnectDeliverOnly);
  }

  /** Names that clients may use now. */
  get offered(): readonly TransportName[] {
    return this.#enabled.filter((name) => name !== 'websocket' || this.#takesSockets);
  }

  /** Offers WebSockets from now on, if they are enabled. */
  takeSockets(): void {
    this.#takesSockets = true;
  }

  /** Throws `UsageError` for an invalid transport or a taken name. */
  add(transport: Transport): void {
    check(transport);
    if (this.#byName.has(transport.name))
      throw new UsageError(`there is a transport "${transport.name}" already: give yours a name of its own`);
    this.#put(transport);
    if (transport.offered) this.#enabled.push(transport.name);
  }

  timing(name: TransportName): Timing {
    return (this.#byName.get(name) ?? unknown(name)).timing;
  }

  /** Whether events travel on this transport only with connect replies (CN-14). */
  deliverOnly(name: TransportName): boolean {
    return (this.#byName.get(name) ?? unknown(name)).deliverOnly === true;
  }

  /** Whether sessions live as long as their conduit. */
  livesByConduit(name: TransportName): boolean {
    return (this.#byName.get(name) ?? unknown(name)).livesBy === 'conduit';
  }

  // Computed here once, since every connect reply needs the times.
  #put(transport: Transport): void {
    const timing = transport.livesBy === 'conduit' ? forever : (transport.timing ?? this.#usual);
    this.#byName.set(transport.name, { ...transport, timing });
  }
}

function unknown(name: TransportName): never {
  throw new UsageError(`nobody added the transport "${name}": call server.addTransport first`);
}

function standard({ websocket, eventSource, longPolling, callbackPolling, ...options }: TransportTimes) {
  const connects = { offered: true, livesBy: 'connects' } as const;
  const polling = { ...connects, timing: longPolling, deliverOnly: longPolling.metaConnectDeliverOnly };
  const transports: readonly Transport[] = [
    { ...connects, name: 'websocket', timing: websocket, deliverOnly: websocket.metaConnectDeliverOnly },
    {
      ...connects,
      name: 'eventsource',
      // ES-6: its advised interval is its timeout.
      timing: { ...eventSource, interval: 0 },
      deliverOnly: options.metaConnectDeliverOnly,
    },
    { ...polling, name: 'long-polling' },
    { ...polling, name: 'cross-origin-long-polling' },
    // CP-5: events arrive only with connect replies.
    { ...connects, name: 'callback-polling', timing: callbackPolling, deliverOnly: true },
    { name: 'in-process', offered: false, livesBy: 'conduit' },
  ];
  return transports;
}

function check(transport: Transport): void {
  const others = ['name', 'timing', 'offered', 'livesBy', 'deliverOnly'];
  checkNames(transport, { what: 'a transport', functions: [], others });
  const { name, timing, offered, livesBy, deliverOnly = false } = transport;
  if (typeof name !== 'string' || name === '')
    throw new UsageError(`name of a transport must be a text, got ${shown(name)}`);
  const what = `of the transport "${name}"`;
  if (livesBy !== 'connects' && livesBy !== 'conduit')
    throw new UsageError(`livesBy ${what} must be "connects" or "conduit", got ${shown(livesBy)}`);
  for (const [key, value] of Object.entries({ offered, deliverOnly })) {
    if (typeof value !== 'boolean')
      throw new UsageError(`${key} ${what} must be true or false, got ${shown(value)}`);
  }
  if (livesBy === 'conduit' && deliverOnly)
    throw new UsageError(
      `deliverOnly ${what} must be false: with livesBy "conduit" there are no connect replies`,
    );
  if (timing !== undefined) checkTiming(timing, what);
}

function checkTiming(timing: Timing, what: string): void {
  checkNames(timing, {
    what: `timing ${what}`,
    functions: [],
    others: ['timeout', 'interval', 'maxInterval'],
  });
  const { timeout, interval, maxInterval } = timing;
  for (const [key, ms] of Object.entries({ timeout, interval, maxInterval })) {
    if (typeof ms !== 'number' || !(ms >= 0))
      throw new UsageError(`timing.${key} ${what} must be a number of milliseconds, got ${shown(ms)}`);
  }
}
