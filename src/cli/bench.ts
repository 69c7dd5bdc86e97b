import { setMaxListeners } from 'node:events';
import type { Clock } from '../lib/clock.ts';
import { grouped } from '../lib/grouped.ts';
import { randomHex } from '../lib/random-hex.ts';
import { Client, type ClientSettings, refusalOf } from './client.ts';
import { ArgumentError, ClientError } from './client-error.ts';
import { type ClientFlags, clientSettings, countOf } from './client-options.ts';
import { Latencies, shownMs } from './latencies.ts';
import type { Incoming } from './link.ts';
import { SocketPoster } from './socket-poster.ts';

/** Options of `bench`, as they were written. */
export interface BenchFlags extends ClientFlags {
  readonly subscribers?: string;
  /** Events a second. */
  readonly rate?: string;
  /** Bytes of the data of an event, as JSON. */
  readonly size?: string;
  /** Seconds. Before them the server and this process are warmed up. */
  readonly time?: string;
  /** Whether the server may be on another machine. */
  readonly anyHost?: boolean;
}

/** What `bench` needs of its surroundings. */
export interface BenchSurroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Columns of the terminal. */
  readonly width: number;
  print(line: string): void;
  /** Takes the line that says how far it is, in place of the one before. */
  show(line: string): void;
}

interface Load {
  readonly subscribers: number;
  readonly rate: number;
  readonly size: number;
  readonly seconds: number;
}

/** How often it is looked whether something came. Milliseconds. */
const TICK = 20;
/** How long events are published one by one before it is measured: code that has run little is slow. Milliseconds. */
const WARM_UP = 2_000;
/** Batches that may wait for their reply at a time. */
const UNANSWERED = 1_000;
/** Events in one batch at most. */
const BATCH = 100;
/** How long the last deliveries may take. Milliseconds. */
const PATIENCE = 10_000;
/** Sessions opened at the same time, and the shortest time from one such group to the next: servers limit handshakes. Milliseconds. */
const AT_A_TIME = 50;
const GROUP_TIME = 125;

/** `bayeuxd bench`: subscribers in this process, one publisher, and how long deliveries take. */
export async function bench(url: string, flags: BenchFlags, around: BenchSurroundings): Promise<void> {
  const load = loadOf(flags);
  const settings = clientSettings(flags);
  if (!URL.canParse(url)) throw new ArgumentError(`"${url}" is no address`);
  const { hostname } = new URL(url);
  if (!flags.anyHost && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
    throw new ArgumentError(
      `${hostname} is not this machine, and bench puts load on it: add --any-host if you may do that`,
    );
  const run = new Bench(url, settings, load, around);
  try {
    await run.run();
  } finally {
    await run.close();
  }
}

function loadOf({ subscribers = '100', rate = '100', size = '100', time = '10' }: BenchFlags): Load {
  return {
    subscribers: countOf('--subscribers', subscribers, 1, 10_000),
    rate: countOf('--rate', rate, 1, 100_000),
    size: countOf('--size', size, 1, 65_536),
    seconds: countOf('--time', time, 1, 600),
  };
}

class Bench {
  readonly #url: string;
  readonly #settings: ClientSettings;
  readonly #load: Load;
  readonly #around: BenchSurroundings;
  readonly #channel = `/bench/${randomHex(8)}`;
  readonly #latencies = new Latencies();
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #clients: Client[] = [];
  readonly #padding: string;
  #failure: Error | undefined;
  #unanswered = 0;
  #isWarm = false;
  #published = 0;
  #came = 0;
  #lastCame = 0;
  /** Called when everything that was published has come. */
  #onComplete = (): void => {};

  constructor(url: string, settings: ClientSettings, load: Load, around: BenchSurroundings) {
    this.#url = url;
    this.#settings = settings;
    this.#load = load;
    this.#around = around;
    this.#padding = 'x'.repeat(load.size);
    this.#signal = AbortSignal.any([around.signal, this.#over.signal]);
    setMaxListeners(0, this.#signal); // Every session listens to it.
  }

  async run(): Promise<void> {
    await this.#openAll();
    const publisher = this.#client();
    await publisher.handshake(this.#signal);
    await this.#warmUp(publisher);
    const began = performance.now();
    await this.#publishFor(publisher, began);
    await this.#waitForRest();
    this.#around.show('');
    this.#report((this.#lastCame - began) / 1_000);
  }

  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all(
      this.#clients.map((client) => client.disconnect(AbortSignal.timeout(1_000)).catch(() => undefined)),
    );
  }

  #client(onEvent?: (event: Incoming) => void): Client {
    const client = new Client(this.#url, this.#settings, onEvent, SocketPoster);
    this.#clients.push(client);
    return client;
  }

  async #openAll(): Promise<void> {
    const { subscribers } = this.#load;
    for (let open = 0; open < subscribers; open += AT_A_TIME) {
      this.#around.show(`opening subscribers: ${open} of ${subscribers}`);
      const count = Math.min(AT_A_TIME, subscribers - open);
      const group = Array.from({ length: count }, () => this.#subscriber());
      const isLast = open + AT_A_TIME >= subscribers;
      await Promise.all(isLast ? group : [...group, this.#pause(GROUP_TIME)]);
    }
  }

  async #subscriber(): Promise<void> {
    const client = this.#client((event) => this.#receive(event));
    await client.handshake(this.#signal);
    await client.subscribe(this.#channel, undefined, this.#signal);
    void this.#listen(client).catch((error: Error) => {
      if (!this.#signal.aborted) this.#failure ??= error;
    });
  }

  async #listen(client: Client): Promise<void> {
    while (!this.#signal.aborted) {
      const { reconnect } = await client.connect(this.#signal);
      if (reconnect !== 'retry')
        throw new ClientError('the server ended a session: lower --rate, --size or --subscribers');
      // Poll again only when all that has come is read: the time that it takes would count as latency.
      await new Promise<void>((resolve) => this.#around.clock.soon(resolve));
    }
  }

  #receive({ data }: Incoming): void {
    const sentAt: unknown =
      typeof data === 'object' && data !== null ? Reflect.get(data, 'sentAt') : undefined;
    if (typeof sentAt !== 'number') return;
    this.#came += 1;
    this.#lastCame = performance.now();
    if (this.#isWarm) this.#latencies.add(this.#lastCame - sentAt);
    if (this.#missing === 0) this.#onComplete();
  }

  /** Publishes one event after another, each when the one before has come to all. */
  async #warmUp(publisher: Client): Promise<void> {
    this.#around.show('warming up');
    const end = performance.now() + WARM_UP;
    while (performance.now() < end) {
      this.#publish(publisher, 1);
      await this.#complete();
      this.#stopIfFailed();
    }
    await this.#waitForRest();
    this.#stopIfMissing();
    this.#isWarm = true;
    this.#published = 0;
    this.#came = 0;
  }

  /** Resolves when all that was published has come, or after a while. */
  #complete(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#around.clock.after(TICK * 10, resolve);
      this.#onComplete = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  // An event is sent when its time has come, whatever the server has answered: else a server that stops for a while would
  // be asked for less meanwhile.
  async #publishFor(publisher: Client, began: number): Promise<void> {
    const { rate, seconds } = this.#load;
    let shownAt = 0;
    for (;;) {
      const elapsed = Math.min((performance.now() - began) / 1_000, seconds);
      const due = Math.min(Math.floor(elapsed * rate) - this.#published, BATCH);
      if (due > 0 && this.#unanswered < UNANSWERED) this.#publish(publisher, due);
      if (elapsed === seconds && this.#published >= Math.floor(seconds * rate)) return;
      if (performance.now() - began > seconds * 1_000 + PATIENCE) return;
      this.#stopIfFailed();
      if (elapsed >= shownAt + 1) {
        shownAt = Math.floor(elapsed);
        this.#around.show(this.#progress(shownAt));
      }
      const next = began + ((this.#published + 1) / rate) * 1_000;
      await this.#pause(Math.min(Math.max(next - performance.now(), 0), TICK));
    }
  }

  #publish(publisher: Client, count: number): void {
    // The link writes an event as JSON right before it sends it: only then is its time taken.
    const data = { toJSON: () => this.#data() };
    const batch = Array.from({ length: count }, () => ({ channel: this.#channel, data }));
    this.#published += count;
    this.#unanswered += 1;
    publisher
      .exchange(batch, this.#signal)
      .then(
        (replies) => {
          const refused = replies.find(({ successful }) => successful !== true);
          if (refused !== undefined) this.#failure ??= new ClientError(refusalOf(refused));
        },
        (error: Error) => {
          if (!this.#signal.aborted) this.#failure ??= error;
        },
      )
      .finally(() => {
        this.#unanswered -= 1;
      });
  }

  #data(): Incoming {
    const sentAt = performance.now();
    const room = Math.max(0, this.#load.size - `{"sentAt":${sentAt},"x":""}`.length);
    return { sentAt, x: this.#padding.slice(0, room) };
  }

  async #waitForRest(): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (this.#missing > 0 && performance.now() < end) {
      this.#stopIfFailed();
      await this.#pause(TICK);
    }
  }

  get #missing(): number {
    return this.#published * this.#load.subscribers - this.#came;
  }

  #stopIfMissing(): void {
    if (this.#missing > 0)
      throw new ClientError(`${grouped(this.#missing)} deliveries did not come within ${PATIENCE / 1_000} s`);
  }

  #stopIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#around.signal.aborted) throw new ClientError('interrupted');
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#around.clock.after(ms, resolve));
  }

  #progress(seconds: number): string {
    const p99 = shownMs(this.#latencies.percentile(0.99));
    return `${seconds} of ${this.#load.seconds} s: ${grouped(this.#latencies.total)} deliveries, p99 ${p99}`;
  }

  #report(seconds: number): void {
    const { print, width } = this.#around;
    const { subscribers } = this.#load;
    const size = Buffer.byteLength(JSON.stringify(this.#data()));
    const { total, longest } = this.#latencies;
    const [p50, p99] = [0.5, 0.99].map((part) => shownMs(this.#latencies.percentile(part)));
    print(
      `${grouped(subscribers)} subscribers, ${grouped(this.#published)} events with ${grouped(size)} bytes of data, ${seconds.toFixed(1)} s`,
    );
    print(`  published   ${grouped(this.#published / seconds)}/s`);
    print(`  deliveries  ${grouped(total / seconds)}/s`);
    print(`  latency     p50 ${p50}, p99 ${p99}, longest ${shownMs(longest)}`);
    for (const line of this.#latencies.histogram(width)) print(line);
    this.#stopIfMissing();
  }
}
