import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { UpgradeRequest } from 'websocket-driver';
import type {
  CloseReason,
  Conduit,
  ConduitOwner,
  EndReason,
  Handover,
  RequestInfo,
  SocketTally,
} from '../ports/conduit.ts';
import { isPromise } from '../lib/maybe-promise.ts';
import { BatchError, NoRoomError } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import { browserOf } from './browser-cookie.ts';
import { addressOf, requestInfo } from './request-info.ts';
import type { Frames } from './websocket-frame.ts';
import { closeCodes, type SharedByLinks, WebSocketLink } from './websocket-link.ts';
import type { Rounds } from './websocket-rounds.ts';

/** The parts that all WebSocket conduits of one server share. */
export interface Shared extends SharedByLinks {
  /** Closes conduits that stay without a session. */
  readonly idle: Rounds<WebSocketConduit>;
}

/** Frames that may be handled at once before reading pauses (PR-12). */
const MAX_AT_WORK = 100;

/**
 * Bayeux over one WebSocket: each text message is a batch of requests, and each batch of replies and events
 * goes into one or more frames.
 */
export class WebSocketConduit extends WebSocketLink implements Conduit {
  tally: SocketTally | undefined;
  readonly #shared: Shared;
  readonly #frames: Frames;
  readonly #headers: IncomingHttpHeaders;
  readonly #url: string | undefined;
  #session: ConduitOwner | undefined;
  #info: RequestInfo | undefined;
  #atWork = 0;

  constructor(
    shared: Shared,
    frames: Frames,
    { headers, url }: UpgradeRequest,
    socket: Duplex,
    answer: Buffer,
  ) {
    super(shared, socket, answer);
    this.#shared = shared;
    this.#frames = frames;
    this.#headers = headers;
    this.#url = url;
    shared.idle.add(this);
    shared.server.join(this);
  }

  get shape() {
    return 'socket' as const;
  }

  get transport() {
    return 'websocket' as const;
  }

  get session(): ConduitOwner | undefined {
    return this.#session;
  }

  /** A socket without a session is closed after a while (WS-13). */
  set session(session: ConduitOwner | undefined) {
    if (session === this.#session) return;
    this.#session = session;
    if (session !== undefined) this.#shared.idle.delete(this);
    else if (this.isOpen) this.#shared.idle.add(this);
  }

  get request(): RequestInfo {
    const { trustProxy } = this.#shared.server.options;
    this.#info ??= requestInfo(this.#head, this.transport, trustProxy);
    return this.#info;
  }

  get address(): string {
    const { trustProxy } = this.#shared.server.options;
    return addressOf(this.#head, trustProxy);
  }

  get browser(): string | undefined {
    return browserOf(this.#head, this.#shared.server.options);
  }

  get http2(): boolean {
    return false;
  }

  get inflates(): boolean {
    return this.#frames.deflates;
  }

  get maxBytes(): number {
    return this.#shared.server.options.websocket.maxFlushBytes;
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (this.alive) this.write(this.#frames.of(batch), batch, handover);
    else handover?.settled(batch, false);
  }

  end(reason: EndReason, _why?: CloseReason, text = '', retryAfter?: number): void {
    if (!this.isOpen || reason === 'replaced') return;
    // By then the socket may serve another session.
    if (reason === 'disconnected') this.closeSoon(() => this.#session !== undefined);
    else if (reason === 'overtaken') this.cut();
    else if (reason === 'capacity') this.closeFull(text || 'no room', retryAfter);
    else this.close(closeCodes[reason], text);
  }

  /** Closes a socket that has been without a session for too long (WS-13). */
  giveUp(): void {
    this.close(closeCodes.disconnected, 'no session');
  }

  text(text: string): void {
    const requests = this.#decode(text);
    // WS-5: an empty batch is ignored.
    if (requests === undefined || requests.length === 0) return;
    if (this.#session === undefined) this.#extendIdleTime();
    const received = this.#shared.server.receive(requests, this, text);
    if (!isPromise(received)) return;
    this.#atWork += 1;
    void received.then(() => {
      this.#atWork -= 1;
      this.pace();
    });
  }

  protected drained(): void {
    this.#session?.flush();
  }

  protected gone(): void {
    this.#shared.idle.delete(this);
    this.#shared.server.lost(this);
  }

  protected get isBusy(): boolean {
    if (this.#atWork === 0) return false;
    const waiting = this.#session?.waitingBytes ?? 0;
    return this.#atWork > MAX_AT_WORK || waiting > this.#shared.server.options.maxWaitingBytes;
  }

  get #head() {
    return { headers: this.#headers, url: this.#url, socket: this.socket };
  }

  #decode(text: string): Request[] | undefined {
    try {
      return this.#shared.server.decode(text);
    } catch (error) {
      if (error instanceof NoRoomError) this.closeFull(error.message, error.retryAfter);
      else if (error instanceof BatchError) this.refuse(closeCodes[error.fault], error.message, error.option);
      else this.close(closeCodes.failed);
      return undefined;
    }
  }

  // A peer that may publish without a session stays as long as it sends messages.
  #extendIdleTime(): void {
    if (this.#shared.server.options.unconnectedPublish !== 'deny') this.#shared.idle.add(this);
  }
}
