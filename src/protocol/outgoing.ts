import type { Event, MessageId, Reply } from './message.ts';

/** A message from the server. It is encoded once, however many sessions receive it (DL-7). */
export abstract class Outgoing {
  #json: string | undefined;
  #bytes = -1;

  abstract readonly message: Event | Reply;

  /** The message as JSON text. */
  get json(): string {
    this.#json ??= this.encode();
    return this.#json;
  }

  protected encode(): string {
    return JSON.stringify(this.message);
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

/** The reply to a publish of which there is nothing more to say. Its text is put together, in half the time of `JSON.stringify`. */
export class AcceptedReply extends OutgoingReply {
  constructor(id: MessageId | undefined, channel: string) {
    super({ id, channel, successful: true });
  }

  protected override encode(): string {
    const { id, channel = '' } = this.message;
    const first = id === undefined ? '{' : `{"id":${textOf(id)},`;
    return `${first}"channel":${textOf(channel)},"successful":true}`;
  }
}

// Characters that stand for themselves in JSON, of those in most ids and channels.
const plain = /^[ !#-[\]-~]*$/;

function textOf(value: MessageId): string {
  return typeof value === 'string' && plain.test(value) ? `"${value}"` : JSON.stringify(value);
}

/** The JSON array that carries a batch; never empty (MSG-3, MSG-4). */
export function encodeBatch(batch: readonly Outgoing[]): string {
  let text = '[';
  for (let at = 0; at < batch.length; at += 1) text += at === 0 ? batch[at]?.json : `,${batch[at]?.json}`;
  return `${text}]`;
}
