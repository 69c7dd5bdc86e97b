import { Counter, Gauge, Histogram as PromHistogram, type Registry } from 'prom-client';
import type { CountsSoFar } from '../core/counts.ts';
import type { Load } from '../core/load.ts';
import { sampleLoopDelays } from '../http/loop-delays.ts';
import type { Server } from '../http/options.ts';
import type { Histogram } from '../lib/histogram.ts';

type Labels = Readonly<Record<string, string>>;

/** One line of a metric. */
type Reading = readonly [value: number, labels?: Labels];

/** What is read for one scrape. */
interface Reads {
  readonly counts: CountsSoFar;
  readonly load: Load;
}

/** A metric whose values are read when somebody asks. */
interface Row {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  read(reads: Reads): readonly Reading[];
}

/** The metrics but the histograms. Labels have few values: names of transports, reasons, options, and patterns in `channels`. */
function rowsOf(server: Server): readonly Row[] {
  return [
    gauge('ready', 'Whether the server is ready for new clients: 1 or 0.', () => [
      [server.readiness.ready ? 1 : 0],
    ]),
    gauge('sessions', 'Open sessions.', ({ load }) => each(load.sessions, 'transport'), ['transport']),
    gauge('sessions_limit', 'Sessions that may be open: maxSessions.', () => [[server.options.maxSessions]]),
    gauge('addresses', 'Addresses with a session or a socket.', () => [[server.usage.addresses]]),
    gauge('subscribed_patterns', 'Channel names and patterns with a subscriber.', () => [
      [server.usage.channelNodes],
    ]),
    gauge('queued_events', 'Events that wait, summed over the sessions.', ({ load }) => [
      [load.queuedEvents],
    ]),
    gauge('queued_bytes', 'Size of the events that wait, summed over the sessions.', ({ load }) => [
      [load.queuedBytes],
    ]),
    gauge(
      'memory_used_bytes',
      'Memory in use, by the option that bounds it.',
      ({ load }) => Object.entries(load.memory).map(([option, { used }]) => [used, { option }]),
      ['option'],
    ),
    gauge(
      'memory_limit_bytes',
      'Memory that may be in use, by option.',
      ({ load }) => Object.entries(load.memory).map(([option, { limit }]) => [limit, { option }]),
      ['option'],
    ),
    gauge('waiting_handshakes', 'Handshakes that wait in a queue: limits.handshakes.', ({ load }) => [
      [load.features.governor?.waiting ?? 0],
    ]),
    gauge('history_events', 'Events stored for durable channels.', ({ load }) => [
      [load.features.history?.events ?? 0],
    ]),
    gauge('history_bytes', 'Approximate size of the stored events.', ({ load }) => [
      [load.features.history?.bytes ?? 0],
    ]),
    gauge('history_channels', 'Channels with stored events.', ({ load }) => [
      [load.features.history?.channels ?? 0],
    ]),
    counter('handshakes_total', 'Handshakes that were read.', ({ counts }) => [[counts.handshakes]]),
    counter('sessions_opened_total', 'Sessions that were opened.', ({ counts }) => [[counts.opened]]),
    counter(
      'session_ends_total',
      'Sessions that ended, by reason.',
      ({ counts }) => each(counts.ends, 'reason'),
      ['reason'],
    ),
    counter(
      'publishes_total',
      'Events accepted for broadcast channels, by the most specific pattern in the option channels; empty if none matches.',
      ({ counts }) => each(counts.publishes, 'rule'),
      ['rule'],
    ),
    counter('deliveries_total', 'Events that left for a session, each repeat included.', ({ counts }) => [
      [counts.deliveries],
    ]),
    counter(
      'returned_events_total',
      'Events that did not leave whole, as the connection broke, and wait again.',
      ({ counts }) => [[counts.returned]],
    ),
    counter(
      'gap_events_total',
      'Events dropped for one session, which is told of a gap, by what was dropped.',
      ({ counts }) => each(counts.dropped, 'action'),
      ['action'],
    ),
    counter(
      'refusals_total',
      'Refused requests, by the event in the log and the option that refused.',
      ({ counts }) => counts.refusals.map(({ event, option, count }) => [count, { event, option }]),
      ['event', 'option'],
    ),
  ];
}

/** The metrics of the engine and of the other nodes. An engine that tells nothing, and a node without links, have no values. */
function clusterRows({ nodes }: Server): readonly Row[] {
  const ofEngine = (read: (engine: NonNullable<typeof nodes.engine>) => number) => (): readonly Reading[] =>
    nodes.engine === undefined ? [] : [[read(nodes.engine)]];
  const ofLinks = (read: (links: NonNullable<typeof nodes.links>) => readonly Reading[]) => () =>
    nodes.links === undefined ? [] : read(nodes.links);
  return [
    gauge(
      'engine_open',
      'Whether the engine reaches the other nodes: 1 or 0.',
      ofEngine(({ state }) => (state === 'open' ? 1 : 0)),
    ),
    gauge(
      'engine_waiting_publications',
      'Publications that wait to be carried to the nodes, or for their outcome.',
      ofEngine(({ waiting }) => waiting),
    ),
    gauge(
      'engine_lag_entries',
      'Entries of the mailbox of this node that it has not read, as of the last second.',
      ofEngine(({ lag }) => lag.entries),
    ),
    gauge(
      'engine_lag_seconds',
      'Age of the oldest of these entries.',
      ofEngine(({ lag }) => lag.ms / SECOND),
    ),
    counter(
      'engine_failed_commands_total',
      'Commands of the engine that were refused, or got no answer.',
      ofEngine(({ failures }) => failures),
    ),
    counter(
      'engine_reconnects_total',
      'Connections of the engine that were opened again.',
      ofEngine(({ reconnects }) => reconnects),
    ),
    gauge('cluster_nodes', 'Living nodes that this one knows, itself included.', () => [[nodes.all.length]]),
    gauge(
      'cluster_links',
      'Other nodes to which there is a link.',
      ofLinks(({ up }) => [[up]]),
    ),
    counter(
      'forwarded_requests_total',
      'Requests of clients that another node carried out (out), and those that this one did for others (in).',
      ofLinks((links) => [
        [links.out, { direction: 'out' }],
        [links.in, { direction: 'in' }],
      ]),
      ['direction'],
    ),
  ];
}

/** Adds the metrics of a server to a registry. They begin with `bayeuxd_`. */
export function addCollectors(server: Server, registry: Registry): void {
  const latest = cachedFor(server);
  for (const { kind, name, help, labels = [], read } of [...rowsOf(server), ...clusterRows(server)]) {
    const config = { name: `bayeuxd_${name}`, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'gauge')
      new Gauge({
        ...config,
        collect() {
          this.reset();
          // `reset` leaves a metric without labels at 0.
          if (labels.length === 0) this.remove();
          for (const [value, of = {}] of read(latest())) this.set(of, value);
        },
      });
    else
      new Counter({
        ...config,
        collect() {
          this.reset();
          if (labels.length === 0) this.remove();
          for (const [value, of = {}] of read(latest())) this.inc(of, value);
        },
      });
  }
  addHistogram(
    registry,
    'publish_to_flush_seconds',
    'Time from the first event of a turn of the event loop until all sessions that take events were sent theirs.',
    server.counts.flushes,
  );
  addHistogram(
    registry,
    'event_loop_delay_seconds',
    'How late the event loop called a timer, 50 times a second.',
    sampleLoopDelays(server),
  );
}

function gauge(name: string, help: string, read: Row['read'], labels: readonly string[] = []): Row {
  return { kind: 'gauge', name, help, labels, read };
}

function counter(name: string, help: string, read: Row['read'], labels: readonly string[] = []): Row {
  return { kind: 'counter', name, help, labels, read };
}

function each(numbers: Readonly<Record<string, number>>, label: string): readonly Reading[] {
  return Object.entries(numbers).map(([name, value]) => [value, { [label]: name }]);
}

/** Reads the server once for all metrics of a scrape, which are collected in one turn of the event loop. */
function cachedFor(server: Server): () => Reads {
  let reads: Reads | undefined;
  return () => {
    if (reads === undefined) {
      reads = { counts: server.counts, load: server.load() };
      server.clock.soon(() => {
        reads = undefined;
      });
    }
    return reads;
  };
}

function addHistogram(registry: Registry, name: string, help: string, source: Times): void {
  new ReadHistogram({ name: `bayeuxd_${name}`, help, registers: [registry] }, source);
}

type Times = Readonly<Pick<Histogram, 'bounds' | 'counts' | 'sum'>>;

const SECOND = 1_000;

/** A histogram of prom-client that shows the counts of another one, whose values are milliseconds. */
class ReadHistogram extends PromHistogram<string> {
  readonly #name: string;
  readonly #help: string;
  readonly #source: Times;

  constructor(config: { name: string; help: string; registers: Registry[] }, source: Times) {
    super({ ...config, buckets: source.bounds.map((bound) => bound / SECOND) });
    this.#name = config.name;
    this.#help = config.help;
    this.#source = source;
  }

  // What a registry calls. The types of prom-client leave it out; its `get` calls it too.
  async getForPromString() {
    const { bounds, counts, sum } = this.#source;
    const sharedLabels = {};
    let below = 0;
    const buckets = counts.map((count, at) => {
      below += count;
      const bound = bounds[at];
      const le = bound === undefined ? '+Inf' : bound / SECOND;
      return { labels: { le }, sharedLabels, value: below, metricName: `${this.#name}_bucket` };
    });
    const values = [
      ...buckets,
      { labels: {}, sharedLabels, value: sum / SECOND, metricName: `${this.#name}_sum` },
      { labels: {}, sharedLabels, value: below, metricName: `${this.#name}_count` },
    ];
    return { name: this.#name, help: this.#help, type: 'histogram', values, aggregator: 'sum' };
  }
}
