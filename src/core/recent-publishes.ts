import { createHash } from 'node:crypto';
import type { PublishRequest } from '../protocol/message.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { ReplyFields } from './replies.ts';

/** How many publishes are remembered, and for how long. */
const REMEMBERED = 32;
const LIFETIME = 60_000;

interface Remembered {
  readonly digest: string;
  readonly at: number;
  readonly conduit: WeakRef<Conduit>;
  readonly fields: ReplyFields;
}

/**
 * What a session published lately, with the replies (PB-7): a Faye client sends a message again when it missed the reply,
 * and its subscribers should not see that.
 */
export class RecentPublishes {
  #entries: Remembered[] = [];

  /** The reply to the publish this one repeats; undefined when it repeats none. */
  find(request: PublishRequest, conduit: Conduit, now: number): ReplyFields | undefined {
    this.#entries = this.#entries.filter((entry) => now - entry.at < LIFETIME);
    if (this.#entries.length === 0 || request.id === undefined) return undefined;
    const digest = digestOf(request);
    const entry = this.#entries.find((one) => one.digest === digest && one.conduit.deref() !== conduit);
    return entry?.fields;
  }

  remember(request: PublishRequest, conduit: Conduit, now: number, fields: ReplyFields): void {
    if (request.id === undefined) return;
    if (this.#entries.length >= REMEMBERED) this.#entries.shift();
    this.#entries.push({ digest: digestOf(request), at: now, conduit: new WeakRef(conduit), fields });
  }
}

function digestOf({ id, channel, data }: PublishRequest): string {
  return createHash('sha1')
    .update(JSON.stringify([id, channel, data]))
    .digest('base64');
}
