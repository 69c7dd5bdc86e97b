import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import type { ApiServer } from './api-server.ts';
import { Problem, type ProblemCode, problems } from './problem.ts';

/** The topic of the questions that nodes ask each other for the API. */
const TOPIC = 'api';

/** What every node can answer for itself. Questions and answers are plain JSON. */
export interface Part<Query extends object, Answer> {
  here(query: Query): MaybePromise<Answer>;
  /**
   * The answers of all nodes, or of those with these names, that of this one first. A node that did not answer within 500 ms is left out.
   */
  ofAll(
    query: Query,
    names?: ReadonlySet<string>,
  ): Promise<{ readonly answers: readonly Answer[]; readonly isComplete: boolean }>;
  /**
   * The answer of the node that made this public id of a session. Throws `Problem`: that of the node, `session_unknown` if there is no
   * such node, and `node_silent` if it does not answer.
   */
  ofOwner(session: string, query: Query): Promise<Answer>;
}

/** How a part is made. */
export interface PartMaker<Query extends object, Answer> {
  readonly name: string;
  /** The answer of this node. Throws `Problem`. */
  here(query: Query): MaybePromise<Answer>;
  /** Reads the answer of another node, which may be of another version. Undefined for one that cannot be used. */
  read(answer: JsonObject): Answer | undefined;
}

/** Lets routes be about all nodes: each node answers for itself, and the one that is asked puts the answers together. */
export class AllNodes {
  readonly #server: ApiServer;
  readonly #parts = new Map<string, (query: JsonObject) => MaybePromise<unknown>>();

  constructor(server: ApiServer) {
    this.#server = server;
    server.nodes.answer(TOPIC, (about) => this.#answer(about));
  }

  /** Makes a part. Each has a name of its own. */
  part<Query extends object, Answer>(maker: PartMaker<Query, Answer>): Part<Query, Answer> {
    const { name, here, read } = maker;
    // Another node of the same API asks: what it sends was checked there.
    this.#parts.set(name, (query) => here(query as Query));
    const ask = async (node: string, query: Query): Promise<Answer | undefined> => {
      const answer = await this.#ask(node, { part: name, query: { ...query } });
      return answer && read(answer);
    };
    return {
      here,
      ofAll: async (query, names) => {
        const { node: own, nodes } = this.#server;
        const named = [own, ...nodes.others].filter((node) => names?.has(node) ?? true);
        const all = await Promise.all(
          named.map((node) => (node === own ? here(query) : ask(node, query).catch(() => undefined))),
        );
        const answers = all.filter((answer) => answer !== undefined);
        return { answers, isComplete: answers.length === all.length };
      },
      ofOwner: async (session, query) => {
        const { node: own, nodes } = this.#server;
        const node = nodes.ownerOf(session);
        if (node === own) return here(query);
        if (!nodes.others.includes(node)) throw sessionUnknown();
        const answer = await ask(node, query);
        if (answer !== undefined) return answer;
        throw new Problem(
          'node_silent',
          `the node ${node}, which has the session, does not answer: try again`,
        );
      },
    };
  }

  async #answer({ part, query }: JsonObject): Promise<JsonObject | undefined> {
    const here = this.#parts.get(String(part));
    if (here === undefined || !isObject(query)) return undefined;
    try {
      return { answer: await here(query) };
    } catch (error) {
      if (error instanceof Problem) return { code: error.code, detail: error.message };
      this.#server.log({ level: 'error', event: 'api.failed', error });
      return undefined;
    }
  }

  /** Undefined if the node does not answer. Throws the `Problem` that it answers. */
  async #ask(node: string, about: JsonObject): Promise<JsonObject | undefined> {
    const told = await this.#server.nodes.ask(node, TOPIC, about).catch(() => undefined);
    if (!isObject(told)) return undefined;
    const { answer, code, detail } = told;
    if (typeof code === 'string') throw new Problem(isCode(code) ? code : 'failed', String(detail));
    return isObject(answer) ? answer : undefined;
  }
}

/** A field of an answer, where a node is missing in it. */
export const incomplete = (isComplete: boolean): { readonly complete?: false } =>
  isComplete ? {} : { complete: false };

/** The schema of this field. */
export const complete = {
  type: 'boolean',
  const: false,
  description: 'There if a node did not answer within 500 ms: its part is missing.',
} as const;

/** The problem of a public id that no open session has. */
export function sessionUnknown(): Problem {
  return new Problem('session_unknown', 'no open session has this id: it may have ended');
}

function isCode(code: string): code is ProblemCode {
  return Object.hasOwn(problems, code);
}
