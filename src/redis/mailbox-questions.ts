import type { Clock } from '../lib/clock.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { parsed } from '../lib/parsed.ts';
import { type PeerQuestion, questionOf } from '../ports/peer-question.ts';
import { isObject } from '../protocol/message.ts';
import type { Told } from './redis-node.ts';

/** The format that this version writes, and the only one that it reads. */
const FORMAT = 1;

/** How wrong the age of a question may be. Milliseconds. */
const SLACK = 1000;

/** What questions are made with. */
export interface MailboxQuestionsOptions {
  /** The name of this node. */
  readonly node: string;
  readonly clock: Clock;
  /** Tells a node a text, which may get lost. */
  readonly tell: (node: string, text: string) => Promise<Told>;
}

/** Questions to other nodes and their answers, by way of the mailboxes. */
export class MailboxQuestions {
  readonly #options: MailboxQuestionsOptions;
  readonly #asked = new Map<number, (answer: unknown) => void>();
  #count = 0;
  #answer: (question: PeerQuestion) => MaybePromise<unknown> = () => undefined;

  constructor(options: MailboxQuestionsOptions) {
    this.#options = options;
  }

  /** The answer of a node. Rejects when there is none within `ms` milliseconds. */
  ask(node: string, question: PeerQuestion, ms: number): Promise<unknown> {
    const { clock } = this.#options;
    this.#count += 1;
    const number = this.#count;
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        this.#asked.delete(number);
        timer.cancel();
        reject(new Error(`the node ${node} ${why}`));
      };
      const timer = clock.after(ms, () => fail(`did not answer within ${ms} ms`));
      this.#asked.set(number, (answer) => {
        this.#asked.delete(number);
        timer.cancel();
        resolve(answer);
      });
      this.#tell(node, { ask: number, ms, question }).then(
        (told) => {
          if (told === 'gone') fail('is gone');
        },
        // The answer may come all the same.
        () => {},
      );
    });
  }

  /** Answers the questions of other nodes from now on. Called once. */
  serve(answer: (question: PeerQuestion) => MaybePromise<unknown>): void {
    this.#answer = answer;
  }

  /** Takes what another node told this one, `age` milliseconds ago. False for a text in a format that this version cannot read. */
  told(text: string, age: number): boolean {
    const read = parsed(text);
    if (!isObject(read) || read.v !== FORMAT || typeof read.from !== 'string') return false;
    if (typeof read.answer === 'number') {
      this.#asked.get(read.answer)?.(read.value);
      return true;
    }
    const question = questionOf(read.question);
    if (typeof read.ask !== 'number' || question === undefined) return false;
    // Nobody waits for the answer any more.
    if (typeof read.ms === 'number' && age > read.ms + SLACK) return true;
    void this.#reply(read.from, read.ask, question);
    return true;
  }

  async #reply(node: string, number: number, question: PeerQuestion): Promise<void> {
    try {
      await this.#tell(node, { answer: number, value: await this.#answer(question) });
    } catch {
      // Who asked is told after its own time limit that there is no answer.
    }
  }

  #tell(node: string, message: object): Promise<Told> {
    return this.#options.tell(node, JSON.stringify({ v: FORMAT, from: this.#options.node, ...message }));
  }
}
