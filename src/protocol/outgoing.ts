import type { Event, Reply } from './message.ts';

/** A message from the server. It is encoded once, however many sessions receive it (DL-7). */
export abstract class Outgoing {
  #json: string | undefined;
  #bytes = -1;

  abstract readonly message: Event | Reply;

  /** The message as JSON text. */
  get json(): string {
    this.#json ??= JSON.stringify(this.message);
    return this.#json;
  }

  /** Whether the message was encoded already. */
  get isEncoded(): boolean {
    return this.#json !== undefined;
  }

  /** Length of the text in UTF-8. Bytes. */
  get bytes(): number {
    if (this.#bytes < 0) this.#bytes = Buffer.byteLength(this.json);
    return this.#bytes;
  }
}

/** A reply to one client. */
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
