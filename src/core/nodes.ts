import type { Clock } from '../lib/clock.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Directory } from '../ports/directory.ts';
import type { Engine, EngineState, EngineStatus, NodeFacts, NodeStatus } from '../ports/engine.ts';
import type { PeersAbout } from '../ports/feature.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import type { JsonObject } from '../protocol/message.ts';
import { askAll, PATIENCE } from './ask-all.ts';
import { answerPeer } from './peer-directory.ts';
import type { ServerState } from './readiness.ts';

/** A node, as this one sees it. */
export interface KnownNode extends NodeStatus {
  /** Whether it is the node that is asked. */
  readonly isThis: boolean;
  /** Whether there is a link to it now; absent where this node has no links, and for this node. */
  readonly isLinked?: boolean;
}

/** Answers a question of another node. Plain JSON both ways. */
export type PeerAnswer = (about: JsonObject) => MaybePromise<unknown>;

/** The parts of the server that its view of the cluster needs. */
export interface NodesParts {
  readonly engine: Engine;
  readonly clock: Pick<Clock, 'now'>;
  readonly version: string | undefined;
  readonly local: Directory;
  readonly sessions: { readonly size: number };
  readonly state: () => ServerState;
  readonly engineState: () => EngineState;
}

/** The nodes of the cluster, as this one sees them, and questions to the others. A node of its own is the only one. */
export class Nodes {
  readonly #parts: NodesParts;
  readonly #started: number;
  readonly #answers = new Map<string, PeerAnswer>();

  constructor(parts: NodesParts) {
    this.#parts = parts;
    this.#started = Math.round(parts.clock.now());
  }

  /** This node first, then the others in order of their names. Looks nowhere but in memory. */
  get all(): readonly KnownNode[] {
    const { engine } = this.#parts;
    const { formats, lag, sinceBeat, trouble } = engine.status?.() ?? {};
    const own = {
      ...{ node: engine.node, isThis: true, ...this.facts() },
      ...(formats && { formats }),
      ...(lag && { lag }),
      ...(sinceBeat !== undefined && { sinceBeat }),
      ...(trouble && { trouble }),
    };
    const others: readonly NodeStatus[] = engine.nodes?.() ?? this.others.map((node) => ({ node }));
    const linked = engine.peers?.linked;
    const known = others.map((other) => ({
      ...{ ...other, isThis: false },
      ...(linked && { isLinked: linked.includes(other.node) }),
    }));
    return [own, ...known.toSorted((one, other) => (one.node < other.node ? -1 : 1))];
  }

  /** The names of the other nodes. */
  get others(): readonly string[] {
    return this.#parts.engine.peers?.nodes ?? [];
  }

  /** The name of the node that made a public id of a session: all ids of a node begin with its name. */
  ownerOf(session: string): string {
    return session.slice(0, this.#parts.engine.node.length);
  }

  /** How the engine of this node is; undefined for one that does not tell. */
  get engine(): (EngineStatus & { readonly state: EngineState }) | undefined {
    const { engine, engineState } = this.#parts;
    const status = engine.status?.();
    return status && { state: engineState(), ...status };
  }

  /** Links to other nodes, and the requests that were forwarded, over them or not; undefined where none is forwarded. */
  get links(): { readonly up: number; readonly out: number; readonly in: number } | undefined {
    const { linked, forwarded } = this.#parts.engine.peers ?? {};
    if (linked === undefined && forwarded === undefined) return undefined;
    return { up: linked?.length ?? 0, out: 0, in: 0, ...forwarded };
  }

  /** What this node tells of itself. */
  readonly facts = (): NodeFacts => {
    const { version, sessions, state, engineState } = this.#parts;
    const own = state();
    return {
      ...(version !== undefined && { version }),
      started: this.#started,
      state: own === 'open' && engineState() !== 'open' ? engineState() : own,
      sessions: sessions.size,
    };
  };

  /** Answers what other nodes ask about a topic from now on. The last answer that was set for a topic counts. */
  answer(topic: string, answer: PeerAnswer): void {
    this.#answers.set(topic, answer);
  }

  /** Asks another node about a topic. Rejects if it does not answer within `ms` milliseconds (500 if absent), or answers nothing. */
  async ask(node: string, topic: string, about: JsonObject, ms = PATIENCE): Promise<unknown> {
    const answer = await this.#parts.engine.peers?.ask(node, { of: 'topic', topic, about }, ms);
    if (answer === undefined || answer === null)
      throw new Error(`the node ${node} has no answer about ${topic}`);
    return answer;
  }

  /** Asks all other nodes about a topic. Undefined for one that did not answer within 500 ms. */
  askAll(topic: string, about: JsonObject): Promise<readonly unknown[]> {
    const { peers } = this.#parts.engine;
    return peers === undefined ? Promise.resolve([]) : askAll(peers, { of: 'topic', topic, about });
  }

  /** Questions about one topic; undefined on a node of its own. */
  about(topic: string): PeersAbout | undefined {
    const { peers } = this.#parts.engine;
    return (
      peers && {
        get nodes() {
          return peers.nodes;
        },
        ask: (node, about, ms) => this.ask(node, topic, about, ms),
        askAll: (about) => this.askAll(topic, about),
      }
    );
  }

  /** The answer to a question of another node. */
  readonly answerPeer = (question: PeerQuestion): MaybePromise<unknown> =>
    question.of === 'topic' ? this.#answerTopic(question) : answerPeer(question, this.#parts.local);

  // JSON has no undefined.
  async #answerTopic({ topic, about }: Extract<PeerQuestion, { of: 'topic' }>): Promise<unknown> {
    return (await this.#answers.get(topic)?.(about)) ?? null;
  }
}
