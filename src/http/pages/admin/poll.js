/** Milliseconds. */
const EVERY = 2_000;
const LONGEST = 15_000;

/** Asks again and again, more rarely while nothing answers, and not while the page is hidden. */
export class Poll {
  #ask;
  #told;
  #failed;
  #round = 0;
  #failures = 0;
  #timer;
  #isOn = false;

  /** `told` gets each answer, `failed` each error and the milliseconds until the next try. */
  constructor({ ask, told, failed }) {
    this.#ask = ask;
    this.#told = told;
    this.#failed = failed;
    document.addEventListener('visibilitychange', () => this.#wake());
    addEventListener('online', () => this.#wake());
  }

  start() {
    this.#isOn = true;
    this.#failures = 0;
    this.#wake();
  }

  stop() {
    this.#isOn = false;
    this.#round += 1;
    clearTimeout(this.#timer);
  }

  #wake() {
    clearTimeout(this.#timer);
    this.#round += 1;
    if (this.#isOn && !document.hidden) void this.#turn(this.#round);
  }

  async #turn(round) {
    const wait = await this.#once(round);
    if (round !== this.#round) return;
    this.#timer = setTimeout(() => this.#turn(round), wait);
  }

  /** Returns the milliseconds until the next turn. */
  async #once(round) {
    try {
      const answer = await this.#ask();
      if (round === this.#round) this.#told(answer);
      this.#failures = 0;
      return EVERY;
    } catch (error) {
      this.#failures += 1;
      const wait = Math.max(
        Math.min(EVERY * 2 ** (this.#failures - 1), LONGEST),
        (error.retryAfter ?? 0) * 1000,
      );
      if (round === this.#round) this.#failed(error, wait);
      return wait;
    }
  }
}
