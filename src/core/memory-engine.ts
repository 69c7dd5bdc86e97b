import type { Engine, Publication } from '../ports/engine.ts';

/** The engine of a single node: delivers a publication here, before `publish` returns. */
export class MemoryEngine implements Engine {
  #deliver: (publication: Publication) => void = () => {};

  open(deliver: (publication: Publication) => void): Promise<void> {
    this.#deliver = deliver;
    return Promise.resolve();
  }

  publish(publication: Publication): void {
    this.#deliver(publication);
  }

  interest(): void {}

  close(): Promise<void> {
    this.#deliver = () => {};
    return Promise.resolve();
  }
}
