import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { Log } from '../../lib/log.ts';

/** Events on further channels are not logged. */
const MAX_CHANNELS = 1000;

/** Logs, once for each channel, an event that is larger than one response or frame may be (DL-11). */
export class Oversized {
  readonly #log: Log;
  readonly #logged = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  check(event: OutgoingEvent, { transport, maxBytes: limit }: Conduit): void {
    const bytes = event.bytes + '[]'.length;
    const { channel } = event;
    if (bytes <= limit || this.#logged.has(channel) || this.#logged.size === MAX_CHANNELS) return;
    this.#logged.add(channel);
    this.#log({ level: 'warn', event: 'event.oversized', channel, bytes, limit, transport });
  }
}
