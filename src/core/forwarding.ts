import type { Log } from '../lib/log.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { PeerQuestion } from '../ports/peer-question.ts';
import { type LinkPeers, type PeerHandler, UnreachableError } from '../ports/peers.ts';
import { BatchError, NoRoomError } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';
import { Mixed } from './mixed.ts';

/** A client that could not be served comes again after this. Milliseconds. */
const AGAIN = 1_000;

type Texts = string | readonly string[];

/** What a server lends to `Forwarding`: how it handles what belongs to itself. */
export interface ForwardingHost {
  /** The tag of this node. */
  readonly node: string;
  readonly log: Log;
  readonly isClosed: boolean;
  decode(texts: Texts): Request[];
  receive(requests: readonly Request[], conduit: Conduit, texts?: Texts): MaybePromise<void>;
  joinStream(clientId: string, conduit: Conduit): MaybePromise<boolean>;
  join(conduit: Conduit): void;
  lost(conduit: Conduit): void;
  answer(question: PeerQuestion): MaybePromise<unknown>;
}

/** Takes what comes to this node, and has other nodes carry out what belongs to their sessions (CL-1). */
export class Forwarding {
  readonly #peers: LinkPeers;
  readonly #host: ForwardingHost;

  constructor(peers: LinkPeers, host: ForwardingHost) {
    this.#peers = peers;
    this.#host = host;
  }

  /** What the other nodes use: nothing of it is forwarded again. */
  get handler(): PeerHandler {
    const { lost, answer } = this.#host;
    return {
      lost,
      answer,
      receive: (batch, conduit) => this.#receiveForwarded(batch, conduit),
      join: (clientId, conduit) => this.#host.joinStream(clientId, conduit) === true,
    };
  }

  /** As `Server.receive`. */
  receive(requests: readonly Request[], conduit: Conduit, texts?: Texts): MaybePromise<void> {
    const { host: node, isMixed } = this.#destinationOf(requests, conduit);
    if (texts === undefined || this.#host.isClosed || (node === undefined && !isMixed))
      return this.#host.receive(requests, conduit, texts);
    if (isMixed) return new Mixed(requests, conduit, messagesIn(texts), this.#parts).handle();
    if (node !== undefined) return this.#forward(node, requests, conduit, texts);
  }

  /** As `Server.joinStream`. */
  joinStream(clientId: string, conduit: Conduit): MaybePromise<boolean> {
    const node = this.#nodeOf(clientId);
    if (node === undefined) return this.#host.joinStream(clientId, conduit);
    this.#host.join(conduit);
    return this.#peers.join(node, clientId, conduit).then(
      (joined) => {
        if (!joined) this.#host.lost(conduit);
        return joined;
      },
      (error: unknown) => {
        this.#host.lost(conduit);
        if (!(error instanceof UnreachableError)) this.#failed(error);
        return false;
      },
    );
  }

  /** As `Server.lost`. */
  lost(conduit: Conduit): void {
    this.#peers.lost(conduit);
    this.#host.lost(conduit);
  }

  /** The node of the session that a request names; undefined for this one, and for one that is unknown. */
  #nodeOf(clientId: string): string | undefined {
    const { node } = this.#host;
    if (clientId.startsWith(node)) return undefined;
    const tag = clientId.slice(0, node.length);
    return this.#peers.nodes.has(tag) ? tag : undefined;
  }

  // Messages that name no session go wherever the others of their batch go. A handshake is refused in company (HS-3).
  #destinationOf(requests: readonly Request[], conduit: Conduit) {
    let host: string | undefined;
    let named = 0;
    let isMixed = false;
    if (conduit.trusted === true) return { host, isMixed };
    for (const request of requests) {
      if (request.kind === 'handshake') return { host: undefined, isMixed: false };
      if (request.kind === 'invalid' || request.clientId === undefined) continue;
      const node = this.#nodeOf(request.clientId);
      isMixed ||= named > 0 && node !== host;
      host = node;
      named += 1;
    }
    return { host, isMixed };
  }

  #forward(node: string, requests: readonly Request[], conduit: Conduit, texts: Texts): Promise<void> {
    return this.#peers.forward(node, textOf(texts), conduit).catch((error: unknown) => {
      if (!(error instanceof UnreachableError)) {
        this.#failed(error);
        conduit.end('failed');
      } else if (this.#peers.nodes.has(node)) conduit.end('capacity', undefined, error.message, AGAIN);
      // CL-3: the node has left, and the session with it.
      else return this.#host.receive(requests, conduit, texts);
    });
  }

  #receiveForwarded(batch: string, conduit: Conduit): MaybePromise<void> {
    try {
      const requests = this.#host.decode(batch);
      if (requests.length > 0) return this.#host.receive(requests, conduit, batch);
      conduit.end('failed');
    } catch (error) {
      if (error instanceof NoRoomError) conduit.end('capacity', undefined, error.message, error.retryAfter);
      else {
        if (!(error instanceof BatchError)) this.#failed(error);
        conduit.end('failed');
      }
    }
  }

  // A part of a batch is handled as a batch of its own.
  readonly #parts = {
    nodeOf: (request: Request) =>
      request.kind === 'invalid' || request.kind === 'handshake' || request.clientId === undefined
        ? null
        : this.#nodeOf(request.clientId),
    handle: (node: string | undefined, requests: readonly Request[], conduit: Conduit, text: string) =>
      node === undefined
        ? this.#host.receive(requests, conduit, text)
        : this.#forward(node, requests, conduit, text),
  };

  #failed(error: unknown): void {
    this.#host.log({ level: 'error', event: 'forward.failed', error });
  }
}

function textOf(texts: Texts): string {
  if (typeof texts === 'string') return texts;
  const [first = '[]', ...more] = texts;
  return more.length === 0 ? first : JSON.stringify(messagesIn(texts));
}

/** The messages of a batch that was decoded before. */
function messagesIn(texts: Texts): unknown[] {
  const all = typeof texts === 'string' ? [texts] : texts;
  return all.flatMap((text): unknown => JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text));
}
