import { nowUs } from './clock.js';

/** @typedef {import('./publisher.js').Publisher} Publisher */

/** Keeps `window` publishes in flight. Refills once per event-loop turn, since the replies of a turn arrive together. */
export class Pump {
  #ledger;
  #publishers;
  #window;
  #batch;
  #turn = 0;
  #due = false;
  #stopped = false;

  /** @param {import('./ledger.js').Ledger} ledger @param {Publisher[]} publishers @param {{ window: number, batch: number }} load */
  constructor(ledger, publishers, { window, batch }) {
    this.#ledger = ledger;
    this.#publishers = publishers;
    this.#window = window;
    this.#batch = batch;
    ledger.onCompleted = ledger.onReplied = () => this.#wake();
    this.#wake();
  }

  stop() {
    this.#stopped = true;
  }

  #wake() {
    if (this.#due || this.#stopped) return;
    this.#due = true;
    setImmediate(() => this.#fill());
  }

  #fill() {
    this.#due = false;
    if (this.#stopped) return;
    const { sent, completed } = this.#ledger;
    for (let room = this.#window - (sent - completed); room >= this.#batch; room -= this.#batch) {
      const publisher = this.#nextReady();
      if (!publisher) break;
      publisher.publish();
    }
    for (const publisher of this.#publishers) publisher.flush();
  }

  #nextReady() {
    for (let tried = 0; tried < this.#publishers.length; tried++) {
      const publisher = this.#publishers[this.#turn];
      this.#turn = (this.#turn + 1) % this.#publishers.length;
      if (publisher?.ready) return publisher;
    }
    return undefined;
  }
}

/** Publishes at a fixed rate, independent of replies. */
export class Metronome {
  #stopped = false;

  /** @param {Publisher[]} publishers @param {number} rate Publishes a second. */
  constructor(publishers, rate) {
    let due = nowUs();
    let turn = 0;
    const beat = () => {
      if (this.#stopped) return;
      for (; due <= nowUs(); due += 1e6 / rate) {
        const publisher = publishers[turn % publishers.length];
        // HTTP allows one request at a time: this publish is late, and so are those after it.
        if (!publisher?.ready) break;
        turn++;
        publisher.publish();
        publisher.flush();
      }
      setTimeout(beat, Math.max(due - nowUs(), 0) / 1000);
    };
    beat();
  }

  stop() {
    this.#stopped = true;
  }
}
