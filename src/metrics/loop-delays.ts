import type { Server } from '../http/options.ts';
import { Histogram } from '../lib/histogram.ts';

/** Time from one sample to the next. Milliseconds. */
const EVERY = 20;

/** Bounds of delays. Milliseconds. */
const DELAYS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500];

/**
 * Samples how late the event loop calls timers, until the server is closed. `monitorEventLoopDelay` of Node would lose what was
 * measured before each scrape: a histogram that only grows suits several scrapers, and rates over any time.
 */
export function sampleLoopDelays(server: Pick<Server, 'clock' | 'state'>): Histogram {
  const { clock } = server;
  const delays = new Histogram(DELAYS);
  const sample = (): void => {
    const due = clock.now() + EVERY;
    clock.after(EVERY, () => {
      delays.add(Math.max(0, clock.now() - due));
      if (server.state !== 'closed') sample();
    });
  };
  sample();
  return delays;
}
