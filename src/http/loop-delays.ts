import type { Clock } from '../lib/clock.ts';
import { Histogram } from '../lib/histogram.ts';
import type { Server } from './options.ts';

/** Time from one sample to the next. Milliseconds. */
const EVERY = 20;

/** Bounds of delays. Milliseconds. */
const DELAYS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

/** How long samples are taken after somebody read them. Milliseconds. */
const INTEREST = 60_000;

/**
 * Samples how late the event loop calls timers, until the server is closed. `monitorEventLoopDelay` of Node would lose what was
 * measured before each scrape: a histogram that only grows suits several scrapers, and rates over any time.
 */
export function sampleLoopDelays(server: Pick<Server, 'clock' | 'state'>): Histogram {
  const delays = new Histogram(DELAYS);
  sampleWhile(() => server.state !== 'closed', server.clock, delays);
  return delays;
}

/** Samples the delays of the event loop only while somebody reads them: an idle process is not woken. */
export class LoopDelays {
  readonly #server: Pick<Server, 'clock' | 'state'>;
  readonly #delays = new Histogram(DELAYS);
  #readAt = 0;
  #isSampling = false;

  constructor(server: Pick<Server, 'clock' | 'state'>) {
    this.#server = server;
  }

  /** What was sampled so far. More follows for a minute. */
  read(): Histogram {
    const { clock } = this.#server;
    this.#readAt = clock.now();
    if (!this.#isSampling) sampleWhile(() => this.#goesOn(), clock, this.#delays);
    return this.#delays;
  }

  #goesOn(): boolean {
    const { clock, state } = this.#server;
    this.#isSampling = state !== 'closed' && clock.now() < this.#readAt + INTEREST;
    return this.#isSampling;
  }
}

function sampleWhile(goesOn: () => boolean, clock: Clock, delays: Histogram): void {
  const sample = (): void => {
    if (!goesOn()) return;
    const due = clock.now() + EVERY;
    clock.after(EVERY, () => {
      delays.add(Math.max(0, clock.now() - due));
      sample();
    });
  };
  sample();
}
