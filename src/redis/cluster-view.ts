import type { Clock } from '../lib/clock.ts';
import type { EngineStatus, NodeFacts, NodeStatus } from '../ports/engine.ts';
import { isObject } from '../protocol/message.ts';
import { formats } from './formats.ts';
import type { RedisNode } from './redis-node.ts';
import type { Beat, Lease } from './scripts/beat.ts';

/** Longest text of a trouble. Characters. */
const LONGEST = 200;

const states: readonly string[] = ['open', 'draining', 'away', 'closed'] satisfies NodeFacts['state'][];

type Trouble = NonNullable<EngineStatus['trouble']>;

/** What this node knows of itself and of the others, and what its lease tells them. */
export class ClusterView {
  readonly #clock: Clock;
  #trouble: Trouble | undefined;
  #beat: Pick<Beat, 'living' | 'beats' | 'now'> | undefined;
  // When it came, by the clock of this node.
  #at = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Remembers the latest trouble. */
  troubled(why: string): void {
    this.#trouble = { why: why.slice(0, LONGEST), at: Math.round(this.#clock.now()) };
  }

  beaten(beat: Beat): void {
    this.#beat = beat;
    this.#at = this.#clock.now();
  }

  /** How the engine is. Its node is undefined before it is opened. */
  status(node: RedisNode | undefined): EngineStatus {
    return {
      formats,
      waiting: node?.pending ?? 0,
      lag: node?.lag ?? { entries: 0, ms: 0 },
      ...(node?.counts ?? { failures: 0, reconnects: 0 }),
      ...(node?.sinceBeat !== undefined && { sinceBeat: node.sinceBeat }),
      ...(this.#trouble && { trouble: this.#trouble }),
    };
  }

  /** What the lease of this node says. */
  lease(node: RedisNode | undefined, facts: NodeFacts | undefined): Lease {
    const { lag, trouble } = this.status(node);
    return { formats, ...facts, lag, ...(trouble && { trouble }) };
  }

  /** The other nodes that had a lease at the last beat. */
  get nodes(): NodeStatus[] {
    if (this.#beat === undefined) return [];
    const { living, beats, now } = this.#beat;
    const since = this.#clock.now() - this.#at;
    return Array.from(living, ([node, lease]) => {
      const beat = beats.get(node);
      const sinceBeat = beat === undefined ? {} : { sinceBeat: Math.max(0, Math.round(now - beat + since)) };
      return { node, ...factsIn(lease), ...sinceBeat };
    });
  }
}

/** Reads a lease, which another version may have written: parts that this one cannot read are left out. */
function factsIn(json: string): Omit<NodeStatus, 'node'> {
  const lease = parsed(json);
  if (!isObject(lease)) return {};
  const { version, started, state, sessions, formats, lag, trouble } = lease;
  return {
    ...(typeof version === 'string' && { version }),
    ...(typeof started === 'number' && { started }),
    ...(isState(state) && { state }),
    ...(typeof sessions === 'number' && { sessions }),
    ...(isRange(formats) && { formats }),
    ...(isLag(lag) && { lag: { entries: lag.entries, ms: lag.ms } }),
    ...(isTrouble(trouble) && { trouble: { why: trouble.why, at: trouble.at } }),
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is NodeFacts['state'] {
  return typeof value === 'string' && states.includes(value);
}

function isRange(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'number');
}

function isLag(value: unknown): value is EngineStatus['lag'] {
  return isObject(value) && typeof value.entries === 'number' && typeof value.ms === 'number';
}

function isTrouble(value: unknown): value is Trouble {
  return isObject(value) && typeof value.why === 'string' && typeof value.at === 'number';
}
