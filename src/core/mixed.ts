import { isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type {
  CloseReason,
  Conduit,
  ConduitOwner,
  EndReason,
  Handover,
  RequestInfo,
} from '../ports/conduit.ts';
import type { Request } from '../protocol/message.ts';
import type { Outgoing } from '../protocol/outgoing.ts';

/** How parts of a batch are handled. */
export interface PartHandling {
  /** The node of a message: undefined is this one, and null is any. */
  nodeOf(request: Request): string | undefined | null;
  handle(
    node: string | undefined,
    requests: readonly Request[],
    conduit: Conduit,
    text: string,
  ): MaybePromise<void>;
}

/** Messages of a batch that follow each other and belong to one node. */
interface Part {
  readonly node: string | undefined;
  readonly requests: Request[];
  readonly messages: unknown[];
}

/**
 * A batch with messages for sessions of several nodes (CL-4): handled part by part in the order of the messages, and answered together.
 * Events of one session only travel with the answer (PR-3): of the first that connects, else of the first that is named. On a socket
 * each part is a frame of its own.
 */
export class Mixed {
  readonly #parts: readonly Part[];
  readonly #conduit: Conduit;
  readonly #handling: PartHandling;

  /** `messages`: those of the batch as JSON values, in the order of the requests. */
  constructor(
    requests: readonly Request[],
    conduit: Conduit,
    messages: readonly unknown[],
    handling: PartHandling,
  ) {
    this.#conduit = conduit;
    this.#handling = handling;
    this.#parts = partsOf(requests, messages, handling);
  }

  /** Never throws or rejects. */
  handle(): Promise<void> {
    return this.#conduit.shape === 'exchange' ? this.#answerTogether() : this.#answerEach();
  }

  async #answerEach(): Promise<void> {
    for (const { node, requests, messages } of this.#parts) {
      const handled = this.#handling.handle(node, requests, this.#conduit, JSON.stringify(messages));
      if (isPromise(handled)) await handled;
    }
  }

  async #answerTogether(): Promise<void> {
    const bringsEvents =
      this.#parts.find(({ requests }) => requests.some(({ kind }) => kind === 'connect')) ?? this.#parts[0];
    const answers: Answer[] = [];
    for (const part of this.#parts) {
      const answer = await this.#answerOf(part, part === bringsEvents);
      answers.push(answer);
      if (answer.end === undefined) continue;
      // What was answered before is not sent.
      for (const { batch, handover } of answers) handover?.settled(batch, false);
      this.#conduit.end(...answer.end);
      return;
    }
    this.#conduit.send(
      answers.flatMap(({ batch }) => batch),
      handoverOf(answers),
    );
  }

  #answerOf({ node, requests, messages }: Part, bringsEvents: boolean): Promise<Answer> {
    return new Promise((resolve) => {
      const conduit = new PartConduit(this.#conduit, this.#parts.length, bringsEvents, resolve);
      void this.#handling.handle(node, requests, conduit, JSON.stringify(messages));
    });
  }
}

function partsOf(
  requests: readonly Request[],
  messages: readonly unknown[],
  { nodeOf }: PartHandling,
): readonly Part[] {
  const parts: Part[] = [];
  for (const [at, request] of requests.entries()) {
    const node = nodeOf(request);
    const last = parts.at(-1);
    if (last === undefined || (node !== null && node !== last.node))
      parts.push({ node: node ?? undefined, requests: [request], messages: [messages[at]] });
    else {
      last.requests.push(request);
      last.messages.push(messages[at]);
    }
  }
  return parts;
}

interface Answer {
  readonly batch: readonly Outgoing[];
  readonly handover: Handover | undefined;
  /** Set if the part ended without an answer. */
  readonly end?: Parameters<Conduit['end']>;
}

/** Tells each part what became of the whole answer. */
function handoverOf(answers: readonly Answer[]): Handover {
  return {
    settled(_all, whole, mayHaveArrived) {
      for (const { batch, handover } of answers) handover?.settled(batch, whole, mayHaveArrived);
    },
    moved() {
      for (const { handover } of answers) handover?.moved();
    },
    sentLarge(bytes) {
      for (const { handover } of answers) handover?.sentLarge(bytes);
    },
  };
}

/** Stands for the conduit of a whole batch while one part of the batch is handled. */
class PartConduit implements Conduit {
  readonly shape = 'exchange';
  readonly isPart = true;
  readonly maxEvents: number | undefined;
  session: ConduitOwner | undefined;
  readonly #whole: Conduit;
  readonly #parts: number;
  readonly #answered: (answer: Answer) => void;
  #isAnswered = false;

  constructor(whole: Conduit, parts: number, bringsEvents: boolean, answered: (answer: Answer) => void) {
    this.#whole = whole;
    this.#parts = parts;
    this.maxEvents = bringsEvents ? undefined : 0;
    this.#answered = answered;
  }

  get transport(): string {
    return this.#whole.transport;
  }

  get request(): RequestInfo {
    return this.#whole.request;
  }

  get address(): string {
    return this.#whole.address;
  }

  get browser(): string | undefined {
    return this.#whole.browser;
  }

  get http2(): boolean {
    return this.#whole.http2;
  }

  get maxBytes(): number {
    return Math.floor(this.#whole.maxBytes / this.#parts);
  }

  get alive(): boolean {
    return !this.#isAnswered && this.#whole.alive;
  }

  get ready(): boolean {
    return this.alive;
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (this.alive) this.#answer({ batch, handover });
    else handover?.settled(batch, false);
  }

  end(reason: EndReason, why?: CloseReason, text?: string, retryAfter?: number): void {
    if (this.#isAnswered || reason === 'disconnected') return;
    this.#answer({ batch: [], handover: undefined, end: [reason, why, text, retryAfter] });
  }

  #answer(answer: Answer): void {
    this.#isAnswered = true;
    this.#answered(answer);
  }
}
