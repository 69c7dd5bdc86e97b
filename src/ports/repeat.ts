import { OutgoingEvent } from './outgoing-event.ts';

/** A copy of an event for one session that may have received the event already: `ext.redelivered` says so. */
export class Repeat extends OutgoingEvent {
  readonly original: OutgoingEvent;

  constructor(original: OutgoingEvent) {
    const { message } = original;
    super({ ...message, ext: { ...message.ext, redelivered: true } }, original);
    this.original = original;
    this.since = original.since;
    this.pack();
  }

  /** The event as a repeat. A repeat is returned as it is. */
  static of(event: OutgoingEvent): Repeat {
    return event instanceof Repeat ? event : new Repeat(event);
  }
}
