import { OutgoingEvent } from './outgoing-event.ts';

/** One session's own copy of an event that it may have received already; it says so. */
export class Repeat extends OutgoingEvent {
  readonly original: OutgoingEvent;

  constructor(original: OutgoingEvent) {
    const { message } = original;
    super({ ...message, ext: { ...message.ext, redelivered: true } }, original);
    this.original = original;
    this.since = original.since;
    // As the original, it waits as text.
    this.pack();
  }

  /** The event as a repeat: itself where it is one. */
  static of(event: OutgoingEvent): Repeat {
    return event instanceof Repeat ? event : new Repeat(event);
  }
}
