import type { Outgoing } from '../protocol/outgoing.ts';

/**
 * The name of a transport: of those of Bayeux its connection type on the wire, or what `server.addTransport` was given. Sessions of this
 * process have `in-process`, which is never listed (HS-7).
 */
export type TransportName = string;

/** Why a session ended. */
export type CloseReason =
  /** The client sent a disconnect. */
  | 'disconnect'
  /** The application called `disconnect()`. */
  | 'disconnected'
  /** The client was silent for too long. */
  | 'timeout'
  /** The conduit that the session lived by is gone. */
  | 'left'
  /** More events waited for the session than may wait (DL-10). */
  | 'overflow'
  /** The policy, asked again, no longer allows the session (SEC-6). */
  | 'revoked'
  /** The policy, asked again, failed to answer, and `revalidateFailure` is `end`. */
  | 'unverified'
  /** The client did nothing but connect for too long (AC-1). */
  | 'inactive'
  /** A replay could not go on: what it still had to bring was discarded, or cannot be read. */
  | 'history'
  /** The session never connected, or lived by its conduit, and another session has the conduit now (HS-2). */
  | 'replaced'
  /** The server closed. */
  | 'shutdown';

/** What is known of the HTTP request behind a message: plain values only, so that it can be judged anywhere (HS-17). */
export interface RequestInfo {
  readonly transport: TransportName;
  /** The peer's address, or what a trusted proxy says it is; empty when there is none. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly cookies: Readonly<Record<string, string>>;
  readonly origin?: string;
  readonly url: string;
}

/** Why the server ends a conduit; each transport has its own way to say it. */
export type EndReason =
  /** The session on it is over. */
  | 'disconnected'
  /** A newer connect, or stream, of the same session took its place. */
  | 'replaced'
  /** The same, while it had not handed over all that it carried: it is cut, since its link may be dead (DL-8). */
  | 'overtaken'
  /** No room for one more (HS-14), or too much waits already (PR-12). */
  | 'capacity'
  /** The server is going away. */
  | 'shutdown'
  /** Something failed that was not the client's doing. */
  | 'failed';

/** The session that a conduit is bound to. */
export interface ConduitOwner {
  /** Public name of the session. */
  readonly id: string;
  /** Memory of its messages that wait, or are at work. Bytes. */
  readonly waitingBytes: number;
  /** The conduit can take more. */
  flush(): void;
  /** The peer of the conduit is gone. */
  lost(conduit: Conduit): void;
  /** Another session takes the conduit over: a connect that is held there is answered first. */
  cede(conduit: Conduit): void;
  /** Another handshake came by the conduit (HS-2). */
  vacate(conduit: Conduit): void;
}

/** How many sessions there are that were opened on one socket. */
export interface SocketTally {
  readonly address: string;
  sessions: number;
}

/** Hears what became of a batch that was sent. */
export interface Handover {
  /** `whole`: handed over in full, as far as this side can know (DL-8). If not, the peer may still have read some of it. */
  settled(batch: readonly Outgoing[], whole: boolean, mayHaveArrived?: boolean): void;
  /** Some of a large response left, and more is to leave: its peer reads. */
  moved(): void;
  /** A large response was sent, of so many bytes. The operating system may take it whole, long before the peer has read it. */
  sentLarge(bytes: number): void;
}

/**
 * One way to one client. No socket type crosses it.
 *
 * - `exchange`: one HTTP request; `send` is called at most once and writes its response.
 * - `socket`: both ways, many batches; events are pushed.
 * - `stream`: events only, many batches.
 *
 * Batches leave in the order of `send`. Each `send` with a handover is settled exactly once, possibly before `send` returns;
 * when the conduit dies, or is ended as overtaken, what was not handed over is settled newest first, so that it can be put back in
 * order.
 * `end('disconnected')` comes before the reply to the disconnect: a socket gives the client time to close, an exchange answers.
 */
export interface Conduit {
  readonly shape: 'exchange' | 'socket' | 'stream';
  readonly transport: TransportName;
  /** Frozen; made when first asked for. */
  readonly request: RequestInfo;
  /** Whether what comes by it is the application's own, so that the policy is not asked; absent means no. */
  readonly trusted?: boolean;
  /** As in `request`, without making that. */
  readonly address: string;
  /** The browser's cookie, set or about to be set by this exchange, or sent with the upgrade (CK-1); absent where none is counted. */
  readonly browser?: string | undefined;
  /** Whether HTTP/2 carries it: tabs are counted apart (CK-4). */
  readonly http2: boolean;
  /** The session it is bound to, or that holds a connect on it; kept by `Session`. */
  session: ConduitOwner | undefined;
  /** How many sessions were opened on it, where it is a socket; kept by `Admission`. */
  tally?: SocketTally | undefined;
  /** The most one response or frame may carry (DL-11). A socket puts a larger batch into several frames. Bytes. */
  readonly maxBytes: number;
  /** The most events it takes now in one batch, besides `maxBytes`; absent where it does not count them. With 0 it is not ready. */
  readonly maxEvents?: number | undefined;
  /** The connection, where several conduits share one that keeps them in order: none of them can outlive it, nor overtake. */
  readonly link?: object | undefined;
  /** Whether what is sent now can still arrive. */
  readonly alive: boolean;
  /** Whether it can take more at once: alive, and not too much unwritten (WS-15). */
  readonly ready: boolean;
  send(batch: readonly Outgoing[], handover?: Handover): void;
  /** `why`: what ended its session, where that is the reason. `text`: the reason in words, for people at the client. */
  end(reason: EndReason, why?: CloseReason, text?: string): void;
}
