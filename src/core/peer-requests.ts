import type { Log } from '../lib/log.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import type { PeerHandler } from '../ports/peers.ts';
import { BatchError, NoRoomError } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';

/** The texts of a batch: one, or one for each message. */
export type Texts = string | readonly string[];

/** How a server handles what belongs to itself: nothing of it is forwarded. */
export interface OwnHandling {
  readonly log: Log;
  decode(texts: Texts): Request[];
  receive(requests: readonly Request[], conduit: Conduit, texts?: Texts): MaybePromise<void>;
  joinStream(clientId: string, conduit: Conduit): MaybePromise<boolean>;
  lost(conduit: Conduit): void;
  answer(question: PeerQuestion): MaybePromise<unknown>;
}

/** What other nodes ask of this one. */
export class PeerRequests implements PeerHandler {
  readonly #own: OwnHandling;

  constructor(own: OwnHandling) {
    this.#own = own;
  }

  answer(question: PeerQuestion): MaybePromise<unknown> {
    return this.#own.answer(question);
  }

  receive(batch: string, conduit: Conduit): MaybePromise<void> {
    try {
      const requests = this.#own.decode(batch);
      if (requests.length > 0) return this.#own.receive(requests, conduit, batch);
      conduit.end('failed');
    } catch (error) {
      if (error instanceof NoRoomError) conduit.end('capacity', undefined, error.message, error.retryAfter);
      else {
        if (!(error instanceof BatchError)) this.#own.log({ level: 'error', event: 'forward.failed', error });
        conduit.end('failed');
      }
    }
  }

  join(clientId: string, conduit: Conduit): boolean {
    return this.#own.joinStream(clientId, conduit) === true;
  }

  lost(conduit: Conduit): void {
    this.#own.lost(conduit);
  }
}
