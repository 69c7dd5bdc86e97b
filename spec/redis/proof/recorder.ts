import type {
  Asked,
  ClusterHistory,
  Gap,
  Published,
  Received,
  Stall,
  Subscribed,
  Trouble,
} from './cluster-history.ts';

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** How often this process looks at the clock, and how much later than that counts as standing still. Milliseconds. */
const TICK = 50;
const SHORTEST_STALL = 100;

/** Writes down what the clients of a cluster do and see. */
export class Recorder {
  readonly #nodes: number;
  readonly #published: Open<Published>[] = [];
  readonly #subscribed: Open<Subscribed>[] = [];
  readonly #received: Received[] = [];
  readonly #gaps: Gap[] = [];
  readonly #asked: Open<Asked>[] = [];
  readonly #troubles: Trouble[] = [];
  readonly #stalls: Stall[] = [];
  #count = 0;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  get history(): ClusterHistory {
    return {
      nodes: this.#nodes,
      published: this.#published,
      subscribed: this.#subscribed,
      received: this.#received,
      gaps: this.#gaps,
      asked: this.#asked,
      troubles: this.#troubles,
      stalls: this.#stalls,
    };
  }

  /** Begins a publish. Call the function that is returned with the answer. */
  publish(
    by: string,
    node: number,
    channel: string,
  ): { id: string; answered: (isAccepted: boolean) => void } {
    this.#count += 1;
    const id = `${by}-${this.#count}`;
    const one: Open<Published> = { id, channel, by, node, at: performance.now() };
    this.#published.push(one);
    const answered = (isAccepted: boolean): void => {
      one.answer = { at: performance.now(), isAccepted };
    };
    return { id, answered };
  }

  /** Call the function that is returned when the client gives the subscription up. */
  subscribed(session: string, pattern: string): () => void {
    const one: Open<Subscribed> = { session, pattern, from: performance.now() };
    this.#subscribed.push(one);
    return () => {
      one.until = performance.now();
    };
  }

  received(session: string, id: string, replayId?: number): void {
    this.#received.push({ session, id, at: performance.now(), ...(replayId !== undefined && { replayId }) });
  }

  gap(session: string): void {
    this.#gaps.push({ session, at: performance.now() });
  }

  /** Call the function that is returned when the answer comes. */
  ask(by: string, channel: string, patience: number): () => void {
    const one: Open<Asked> = { by, channel, at: performance.now(), patience };
    this.#asked.push(one);
    return () => {
      one.answeredAt = performance.now();
    };
  }

  trouble(trouble: Trouble): void {
    this.#troubles.push(trouble);
  }

  /** Notices when this process stands still. Call the function that is returned at the end. */
  watchStalls(): () => void {
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const ms = now - last - TICK;
      if (ms > SHORTEST_STALL) this.#stalls.push({ at: now, ms });
      last = now;
    }, TICK);
    return () => clearInterval(timer);
  }
}
