import type { Event, Reply } from './message.ts';

/** A message on its way out. Its text is made once, however many sessions it goes to (DL-7). */
export abstract class Outgoing {
  #json: string | undefined;
  #bytes = -1;

  abstract readonly message: Event | Reply;

  /** The message as JSON text. */
  get json(): string {
    this.#json ??= JSON.stringify(this.message);
    return this.#json;
  }

  /** Length of the text in UTF-8. Bytes. */
  get bytes(): number {
    if (this.#bytes < 0) this.#bytes = Buffer.byteLength(this.json);
    return this.#bytes;
  }
}

/** How an event is to be delivered; nothing of it is on the wire. */
export interface Delivery {
  /** May wait for the next flush: at most these milliseconds, or with `true` as long as the server allows (DL-9). */
  readonly lazy?: boolean | number;
  /** Worth nothing later: never put back, nor kept for acknowledgement. */
  readonly volatile?: boolean;
}

/** An event, shared by all who receive it: from here on it does not change. */
export class OutgoingEvent extends Outgoing {
  readonly message: Event;
  readonly lazy: boolean | number;
  readonly volatile: boolean;

  constructor(event: Event, how: Delivery = {}) {
    super();
    this.message = event;
    this.lazy = how.lazy ?? false;
    this.volatile = how.volatile ?? false;
  }
}

/** A reply, for one client. */
export class OutgoingReply extends Outgoing {
  readonly message: Reply;

  constructor(reply: Reply) {
    super();
    this.message = reply;
  }
}

/** The JSON array that carries a batch; never empty (MSG-3, MSG-4). */
export function encodeBatch(batch: readonly Outgoing[]): string {
  let text = '[';
  for (let at = 0; at < batch.length; at += 1) text += at === 0 ? batch[at]?.json : `,${batch[at]?.json}`;
  return `${text}]`;
}
