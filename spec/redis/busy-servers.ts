import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { HistoryPage } from '../../src/index.ts';
import type { Engine, Missed } from '../../src/ports/engine.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { host, type Hosting } from '../interop/host.ts';

/** What a session of one server heard. */
interface Heard {
  readonly data: unknown;
  readonly id: unknown;
}

/** What servers that publish all the time accepted, heard, and were told. */
export interface Tally {
  /** Accepted events that a server never heard, over all servers. */
  readonly lost: number;
  /** Events that a server heard more than once. */
  readonly twice: number;
  /** History ids that stand for two events. */
  readonly repeatedIds: number;
}

/** Three servers of one cluster that publish all the time, each with a session that hears everything. */
export class BusyServers {
  readonly hosts: readonly Hosting[];
  readonly accepted = new Set<string>();
  refused = 0;
  /** For each server: what it was told may be missing. */
  readonly missed: readonly Missed[][];
  readonly #heard: readonly Heard[][];
  readonly #publishing: Promise<unknown>;
  #goesOn = true;

  private constructor(hosts: readonly Hosting[], missed: readonly Missed[][], heard: readonly Heard[][]) {
    this.hosts = hosts;
    this.missed = missed;
    this.#heard = heard;
    this.#publishing = Promise.all(hosts.map((_, place) => this.#publish(place)));
  }

  static async start(options: RedisEngineOptions): Promise<BusyServers> {
    const namespace = randomUUID();
    const missed: Missed[][] = [[], [], []];
    const hosts: Hosting[] = [];
    const heard: Heard[][] = [];
    for (const one of missed) {
      const engine = watched(redisEngine({ namespace, timeout: 500, ...options }), one);
      const channels = { '/d/**': { history: { maxEvents: 100_000 } } };
      const made = await host({ engine, channels, engineTimeout: 20_000, log: () => {} });
      await made.server.open();
      hosts.push(made);
      heard.push(await hearAll(made));
    }
    const busy = new BusyServers(hosts, missed, heard);
    onTestFinished(() => busy.stop());
    return busy;
  }

  /** No event is published after that. Resolves when the outcome of each is known. */
  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#publishing;
  }

  /** The first history id that was seen. */
  get firstId(): number {
    return Number(this.#heard.flat().find(({ id }) => id !== undefined)?.id);
  }

  /** The tally so far, with what is on its way counted as lost, and what each server was told. */
  figures(): string {
    const told = this.missed.map((one) => one.length).join('+');
    const { accepted, refused } = this;
    return JSON.stringify({ ...this.tally(), accepted: accepted.size, refused, told });
  }

  tally(): Tally {
    const unheard = this.#heard.map((heard) => {
      const known = new Set(heard.map(({ data }) => data));
      return [...this.accepted].filter((data) => !known.has(data)).length;
    });
    const twice = this.#heard.map((heard) => heard.length - new Set(heard.map(({ data }) => data)).size);
    return { lost: sum(unheard), twice: sum(twice), repeatedIds: this.#repeatedIds() };
  }

  /** How many accepted events of the durable channel are not in the history. */
  async unstored(): Promise<number> {
    const stored = new Set<unknown>();
    let after: number | undefined = 0;
    while (after !== undefined) {
      const page: HistoryPage | undefined = await this.hosts[0]?.server.history('/d/busy', {
        after,
        limit: 1000,
      });
      for (const { data } of page?.events ?? []) stored.add(data);
      after = page?.next;
    }
    return [...this.accepted].filter((data) => isDurable(data) && !stored.has(data)).length;
  }

  #repeatedIds(): number {
    const meaning = new Map<unknown, unknown>();
    let repeated = 0;
    for (const { id, data } of this.#heard.flat()) {
      if (id === undefined) continue;
      if (meaning.has(id) && meaning.get(id) !== data) repeated += 1;
      meaning.set(id, data);
    }
    return repeated;
  }

  async #publish(place: number): Promise<void> {
    for (let count = 0; this.#goesOn; count += 1) {
      const data = `${place}-${count}`;
      const publishing = this.hosts[place]?.server.publish(isDurable(data) ? '/d/busy' : '/busy', data);
      publishing?.then(
        () => this.accepted.add(data),
        () => {
          this.refused += 1;
        },
      );
      // Several are on their way at once, and few enough to wait for a failover.
      await new Promise((resolve) => setTimeout(resolve, 3));
      if (count % 50 === 0) await publishing?.catch(() => {});
    }
  }
}

// Every second one.
function isDurable(data: string): boolean {
  return Number(data.slice(2)) % 2 === 0;
}

function watched(engine: Engine, missed: Missed[]): Engine {
  const open = engine.open.bind(engine);
  engine.open = (side) =>
    open({
      ...side,
      missed: (what) => {
        missed.push(what);
        side.missed(what);
      },
    });
  return engine;
}

async function hearAll({ server }: Hosting): Promise<Heard[]> {
  const heard: Heard[] = [];
  const session = await server.localSession();
  for (const channel of ['/busy', '/d/busy'])
    await session.subscribe(channel, ({ data, ext }) => void heard.push({ data, id: ext?.replayId }));
  return heard;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
