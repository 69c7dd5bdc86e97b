import type { Engine, Publication } from '../../src/ports/engine.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';

type Receive = (sender: BusEngine, publication: string) => void;

/** Carries text from each of its engines to all the others, in a later turn of the event loop. */
export class Bus {
  readonly receivers = new Set<Receive>();

  send(sender: BusEngine, text: string): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        for (const receive of this.receivers) receive(sender, text);
        resolve();
      });
    });
  }
}

/** An engine that delivers on its own node at once, and on the others by a bus. */
export class BusEngine implements Engine {
  readonly #bus: Bus;
  #deliver: (publication: Publication) => void = () => {};
  readonly #receive: Receive = (sender, text) => {
    if (sender !== this) this.#deliver(this.decode(text));
  };

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  async open(deliver: (publication: Publication) => void): Promise<void> {
    this.#deliver = deliver;
    this.#bus.receivers.add(this.#receive);
  }

  publish(publication: Publication): Promise<void> {
    this.#deliver(publication);
    return this.#bus.send(this, this.encode(publication));
  }

  interest(): void {}

  async close(): Promise<void> {
    this.#bus.receivers.delete(this.#receive);
    this.#deliver = () => {};
  }

  encode({ event, ...rest }: Publication): string {
    const { message, lazy, volatile, replayId } = event;
    return JSON.stringify({ ...rest, message, how: { lazy, volatile, replayId } });
  }

  decode(text: string): Publication {
    const { message, how, ...rest } = JSON.parse(text);
    return { ...rest, event: new OutgoingEvent(message, how) };
  }
}
