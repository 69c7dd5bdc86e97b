import type { Engine, NodeSide, Publication } from '../ports/engine.ts';
import { newNode } from '../lib/node-name.ts';

/** The engine of a single node: delivers a publication here, before `publish` returns. */
export class MemoryEngine implements Engine {
  readonly node = newNode();
  #deliver: NodeSide['deliver'] = () => {};

  open({ deliver }: NodeSide): Promise<void> {
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
