/** Holds back `count` pieces of work until all have come. Then runs them in their order, without interruption. */
export class Gate<T> {
  readonly #held: (() => void)[] = [];
  #missing: number;

  constructor(count: number) {
    this.#missing = count;
  }

  /** Settles as `work` does. Never settles if another piece of work does not come. */
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
