import { Deferred } from '../lib/deferred.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import type { Mark, MarksSide, SharedMarks } from '../ports/shared.ts';
import { addMarks, type Full, PAGE, readMarks } from './scripts/marks.ts';
import type { Caller, Outcome, ScriptRunner } from './scripts/script.ts';

/** Calls a script. */
export type SharedCall<T> = (runner: ScriptRunner, caller: Caller) => Promise<Outcome<T>>;

/** What a list of marks is made with. */
export interface RedisMarksOptions {
  /** Of the list. */
  readonly name: string;
  readonly side: MarksSide;
  /** Runs a script once. Rejects with `EngineUnavailable`. */
  readonly call: <T>(script: SharedCall<T>) => Promise<T>;
  readonly failed: (error: unknown) => void;
}

/** A list of marks in Redis. Each node reads what changed after each of its beats, and adds what Redis lacks. */
export class RedisMarks implements SharedMarks {
  readonly #options: RedisMarksOptions;
  readonly #opened = new Deferred<void>();
  readonly opened = this.#opened.promise;
  // Number of the last change that was read.
  #change = 0;
  #birth: string | undefined;
  // Whether Redis may not have all that this node knows.
  #lacks = false;
  #isReading = false;

  constructor(options: RedisMarksOptions) {
    this.#options = options;
  }

  async add(mark: Mark): Promise<Full | undefined> {
    try {
      return await this.#add([mark]);
    } catch (error) {
      this.#lacks = true;
      throw error;
    }
  }

  /** Redis may have lost marks. */
  mayLack(): void {
    this.#lacks = true;
    this.#change = 0;
  }

  /** Reads what changed, and adds what Redis may lack. */
  async refresh(birth: string): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      if (this.#birth !== undefined && this.#birth !== birth) this.mayLack();
      this.#birth = birth;
      await this.#read();
      if (this.#lacks) await this.#addKnown();
      this.#opened.resolve();
    } catch (error) {
      // At the next beat again.
      if (!(error instanceof EngineUnavailable)) this.#options.failed(error);
    } finally {
      this.#isReading = false;
    }
  }

  close(): void {
    this.#opened.reject(new EngineUnavailable('the engine is closed'));
  }

  async #read(): Promise<void> {
    const { name, side, call } = this.#options;
    for (;;) {
      const after = this.#change;
      const { change, marks } = await call((runner, caller) => readMarks(runner, caller, name, after));
      for (const mark of marks) side.heard(mark);
      // Unless Redis was restarted meanwhile.
      if (this.#change === after) this.#change = change;
      if (marks.length < PAGE) return;
    }
  }

  async #addKnown(): Promise<void> {
    this.#lacks = false;
    try {
      const known = [...this.#options.side.known()];
      for (let at = 0; at < known.length; at += PAGE) await this.#add(known.slice(at, at + PAGE));
    } catch (error) {
      this.#lacks = true;
      throw error;
    }
  }

  #add(marks: readonly Mark[]): Promise<Full | undefined> {
    const { name, side, call } = this.#options;
    return call((runner, caller) => addMarks(runner, caller, name, marks, side));
  }
}
