import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Conduit } from '../ports/conduit.ts';
import { type Forwarder, UnreachableError } from '../ports/peers.ts';
import type { Request } from '../protocol/message.ts';
import { Mixed } from './mixed.ts';
import type { OwnHandling, Texts } from './peer-requests.ts';

/** A client that could not be served comes again after this. Milliseconds. */
const AGAIN = 1_000;

/** Where a batch has to be carried out. */
type Destination = 'here' | 'several' | 'not known yet' | { readonly node: string };

/** What a server lends to `Forwarding`. */
export interface ForwardingHost extends OwnHandling {
  /** The tag of this node. */
  readonly node: string;
  /** The engine may not know all other nodes yet. */
  readonly isStarting: boolean;
  readonly isClosed: boolean;
  join(conduit: Conduit): void;
}

/** Takes what comes to this node, and has other nodes carry out what belongs to their sessions (CL-1). */
export class Forwarding {
  readonly #forwarder: Forwarder;
  readonly #host: ForwardingHost;

  constructor(forwarder: Forwarder, host: ForwardingHost) {
    this.#forwarder = forwarder;
    this.#host = host;
  }

  /** As `Server.receive`. */
  receive(requests: readonly Request[], conduit: Conduit, texts?: Texts): MaybePromise<void> {
    const destination = texts === undefined ? 'here' : this.#destinationOf(requests, conduit);
    if (texts === undefined || destination === 'here') return this.#host.receive(requests, conduit, texts);
    if (destination === 'several')
      return new Mixed(requests, conduit, messagesIn(texts), this.#parts).handle();
    if (destination !== 'not known yet') return this.#forward(destination.node, requests, conduit, texts);
    this.#refuseWhileStarting(conduit);
  }

  /** As `Server.joinStream`. */
  joinStream(clientId: string, conduit: Conduit): MaybePromise<boolean> {
    const node = this.#nodeOf(clientId);
    if (node === undefined && this.#host.isStarting && !this.#isOwn(clientId)) {
      this.#refuseWhileStarting(conduit);
      return false;
    }
    if (node === undefined) return this.#host.joinStream(clientId, conduit);
    this.#host.join(conduit);
    return this.#forwarder.join(node, clientId, conduit).then(
      (joined) => {
        if (!joined) this.#host.lost(conduit);
        return joined;
      },
      (error: unknown) => {
        this.#host.lost(conduit);
        if (!(error instanceof UnreachableError)) this.#failed(error);
        else if (this.#forwarder.reaches(node)) this.#refuseUnreachable(conduit, error);
        return false;
      },
    );
  }

  /** As `Server.lost`. */
  lost(conduit: Conduit): void {
    this.#forwarder.lost(conduit);
    this.#host.lost(conduit);
  }

  /** The node of the session that a request names; undefined for this one, and for one that is unknown. */
  #nodeOf(clientId: string): string | undefined {
    if (this.#isOwn(clientId)) return undefined;
    const tag = clientId.slice(0, this.#host.node.length);
    return this.#forwarder.reaches(tag) ? tag : undefined;
  }

  #isOwn(clientId: string): boolean {
    return clientId.startsWith(this.#host.node);
  }

  // Messages that name no session go wherever the others of their batch go. A handshake is refused in company (HS-3).
  #destinationOf(requests: readonly Request[], conduit: Conduit): Destination {
    if (conduit.trusted === true || this.#host.isClosed) return 'here';
    let node: string | undefined;
    let named = 0;
    let isMixed = false;
    for (const request of requests) {
      // CL-3: the other nodes would not know the new session yet.
      if (request.kind === 'handshake') return this.#host.isStarting ? 'not known yet' : 'here';
      if (request.kind === 'invalid' || request.clientId === undefined) continue;
      const next = this.#nodeOf(request.clientId);
      if (next === undefined && this.#host.isStarting && !this.#isOwn(request.clientId))
        return 'not known yet';
      isMixed ||= named > 0 && next !== node;
      node = next;
      named += 1;
    }
    if (isMixed) return 'several';
    return node === undefined ? 'here' : { node };
  }

  #forward(node: string, requests: readonly Request[], conduit: Conduit, texts: Texts): Promise<void> {
    return this.#forwarder.forward(node, textOf(texts), conduit).catch((error: unknown) => {
      if (!(error instanceof UnreachableError)) {
        this.#failed(error);
        conduit.end('failed');
      } else if (this.#forwarder.reaches(node)) this.#refuseUnreachable(conduit, error);
      // CL-3: the node has left, and the session with it.
      else return this.#host.receive(requests, conduit, texts);
    });
  }

  #refuseWhileStarting(conduit: Conduit): void {
    conduit.end('capacity', undefined, 'this node is starting', AGAIN);
  }

  #refuseUnreachable(conduit: Conduit, { message }: UnreachableError): void {
    conduit.end('capacity', undefined, message, AGAIN);
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
