/** Holds so many pieces of work back until the last of them has come. Then it does all of them, in their order, in one go. */
export class Gate<T> {
  readonly #held: (() => void)[] = [];
  #missing: number;

  constructor(count: number) {
    this.#missing = count;
  }

  /** Settles as the work does. Never settles where one of the others does not come. */
  pass(at: number, work: () => T | PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#held[at] = () => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      this.#missing -= 1;
      if (this.#missing === 0) for (const call of this.#held) call();
    });
  }
}
