import type { Outgoing } from '../protocol/outgoing.ts';
import type { GivenUser } from './user.ts';

/**
 * A Bayeux connection type, or the name given to `server.addTransport`. In-process sessions have
 * `in-process`, never offered (HS-7).
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
  /** The session lives as long as its conduit, and the conduit is gone. */
  | 'left'
  /** Too many events waited for the session (DL-10). */
  | 'overflow'
  /** `server.revoke` ended the session, or the policy was asked again and no longer allows it (SEC-6). */
  | 'revoked'
  /** The policy was asked again and failed to answer, and `revalidateFailure` is `end`. */
  | 'unverified'
  /** The token of the client expired. */
  | 'expired'
  /** The client did nothing but connect for too long (AC-1). */
  | 'inactive'
  /** A replay could not continue: its next events were discarded or cannot be read. */
  | 'history'
  /** Another session took over the conduit of a session that never connected or lives by its conduit (HS-2). */
  | 'replaced'
  /** The server closed. */
  | 'shutdown';

/** Each reason, counted 0 times. */
export const noEnds: Readonly<Record<CloseReason, 0>> = {
  disconnect: 0,
  disconnected: 0,
  timeout: 0,
  left: 0,
  overflow: 0,
  revoked: 0,
  unverified: 0,
  expired: 0,
  inactive: 0,
  history: 0,
  replaced: 0,
  shutdown: 0,
};

/** The HTTP request behind a message: plain values only, so that another process can judge it (HS-17). */
export interface RequestInfo {
  readonly transport: TransportName;
  /** Address of the peer, or the one that a trusted proxy reports. Empty if there is none. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly cookies: Readonly<Record<string, string>>;
  readonly origin?: string;
  readonly url: string;
}

/** Why the server ends a conduit. Each transport expresses the reason in its own way. */
export type EndReason =
  /** Its session ended. */
  | 'disconnected'
  /** A newer connect, or stream, of the same session took its place. */
  | 'replaced'
  /** As `replaced`, before all its batches were handed over: the conduit is cut, since its link may be dead (DL-8). */
  | 'overtaken'
  /** Too many sessions, sockets or handshakes (HS-14), or too many waiting messages (PR-12). */
  | 'capacity'
  /** The server closes. */
  | 'shutdown'
  /** An error in the server. */
  | 'failed';

/** The session that a conduit is bound to. */
export interface ConduitOwner {
  /** Public id of the session. */
  readonly id: string;
  /** Memory of its messages that wait or are being handled. Bytes. */
  readonly waitingBytes: number;
  /** The conduit can take more. */
  flush(): void;
  /** The peer of the conduit is gone. */
  lost(conduit: Conduit): void;
  /** Another session takes over the conduit. A connect that is held there is answered first. */
  cede(conduit: Conduit): void;
  /** Another handshake came by the conduit (HS-2). */
  vacate(conduit: Conduit): void;
}

/** Counts the open sessions that were opened on one socket. */
export interface SocketTally {
  readonly address: string;
  sessions: number;
}

/** Learns the outcome of a sent batch. */
export interface Handover {
  /**
   * `whole`: handed over completely, as far as this side knows (DL-8). If not, `mayHaveArrived`: the peer may
   * have received it.
   */
  settled(batch: readonly Outgoing[], whole: boolean, mayHaveArrived?: boolean): void;
  /** A part of a large response left and more will follow: the peer reads. */
  moved(): void;
  /** A large response of `bytes` was sent. The operating system may accept it long before the peer has read it. */
  sentLarge(bytes: number): void;
}

/**
 * One connection to one client. No socket type appears in this interface.
 *
 * - `exchange`: one HTTP request; `send` is called at most once and writes its response.
 * - `socket`: both ways, many batches; events are pushed.
 * - `stream`: events only, many batches.
 *
 * Batches leave in the order of `send`. Each `send` with a handover is settled exactly once, possibly before
 * `send` returns. When the conduit dies or ends as `overtaken`, the batches that were not handed over are
 * settled newest first, so that they can be put back in order. `end('disconnected')` comes before the reply to
 * the disconnect: a socket gives the client time to close, and an exchange still sends the reply.
 */
export interface Conduit {
  readonly shape: 'exchange' | 'socket' | 'stream';
  readonly transport: TransportName;
  /** Frozen. Made on first use. */
  readonly request: RequestInfo;
  /** Whether its messages are the application's own, so that the policy is not asked. Absent means no. */
  readonly trusted?: boolean;
  /** Whether its batch is part of a larger one, so that no message of it came alone (CN-6). Absent means no. */
  readonly isPart?: boolean;
  /** The user of all sessions that it opens, if it knows the user. Overrides the user that the policy names. */
  readonly user?: GivenUser | undefined;
  /** As in `request`, without making that object. */
  readonly address: string;
  /** Browser id from the cookie that the client sent or that this exchange will set (CK-1). Absent if there is none. */
  readonly browser?: string | undefined;
  /** Whether it uses HTTP/2, where tabs have a limit of their own (CK-4). */
  readonly http2: boolean;
  /** The session that is attached to it or holds a connect on it. Written by `Session`. */
  session: ConduitOwner | undefined;
  /** For a socket: the sessions opened on it. Written by `Admission`. */
  tally?: SocketTally | undefined;
  /** Maximum size of one response or frame (DL-11). A socket splits a larger batch into several frames. Bytes. */
  readonly maxBytes: number;
  /** Maximum number of events in one batch now; absent means no limit. With 0 it takes none. */
  readonly maxEvents?: number | undefined;
  /** The connection, if several conduits share one that keeps their order. None of them outlives it or overtakes another. */
  readonly link?: object | undefined;
  /** Whether what is sent now can still arrive. */
  readonly alive: boolean;
  /** Whether it can take more now: it is alive, and few bytes are unsent (WS-15). */
  readonly ready: boolean;
  /** For an exchange: its connection closes after the response, so that the client comes again by another one. */
  sendAway?(): void;
  send(batch: readonly Outgoing[], handover?: Handover): void;
  /**
   * `why`: what ended its session, where that is the reason. `text`: the reason in words, for people at the client.
   * `retryAfter`: when the client may come again. Milliseconds.
   */
  end(reason: EndReason, why?: CloseReason, text?: string, retryAfter?: number): void;
}
