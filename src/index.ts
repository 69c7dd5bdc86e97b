/**
 * The server, and all that an application mounts.
 *
 * @module bayeuxd
 */

export type { Handler, Listener } from './core/listeners.ts';
export type { Clock, Timer } from './lib/clock.ts';
export type {
  CloseReason,
  Conduit,
  EndReason,
  Handover,
  RequestInfo,
  TransportName,
} from './ports/conduit.ts';
export type { Timing, Transport } from './ports/transport.ts';
export type {
  Attendee,
  Directory,
  Groups,
  Lists,
  PresentUser,
  Roster,
  RosterChange,
  Rosters,
  RosterSize,
  Sum,
} from './ports/directory.ts';
export {
  type CarriedHistory,
  type Engine,
  type EngineState,
  type EngineStatus,
  EngineUnavailable,
  type Missed,
  type NodeFacts,
  type NodeSide,
  type NodeStatus,
  type Publication,
  type Receipt,
  type Receiver,
  type Stamp,
} from './ports/engine.ts';
export type { KnownNode, Nodes, PeerAnswer } from './core/nodes.ts';
export type {
  AnswerLimits,
  Begun,
  Mark,
  MarksSide,
  Shared,
  SharedAnswers,
  SharedMarks,
} from './ports/shared.ts';
export { PeerDirectory } from './core/peer-directory.ts';
export { type PeerQuestion, questionOf } from './ports/peer-question.ts';
export { type Forwarder, type PeerHandler, type Peers, UnreachableError } from './ports/peers.ts';
export { decodeEnvelope, encodeEnvelope, type Envelope } from './ports/envelope.ts';
export { newNode } from './lib/node-name.ts';
export type { ServerEvents } from './core/events.ts';
export type {
  Arrival,
  DisconnectReason,
  Extension,
  ReceivedMessage,
  SentMessage,
  Session,
  SessionEvents,
  SessionState,
} from './ports/session.ts';
export type { GivenUser, User } from './ports/user.ts';
export type { Reached, UserGroup, UserSessions } from './core/recipients.ts';
export type { AddressedOptions } from './core/addressed.ts';
export type {
  HistorySettings,
  HistoryUsage,
  HistoryStore,
  HistoryRange as Retained,
  Retention,
  StoredEvent,
} from './ports/history-store.ts';
export type { HistoryPage, HistoryQuery, PastEvent } from './ports/history-page.ts';
export { MemoryHistory, type MemoryHistoryOptions } from './features/history/memory-history.ts';
export type { EventListener, HeardEvent, LocalSession, LocalSessionSettings } from './core/local-session.ts';
export type { Log, LogEvent, LogLevel } from './lib/log.ts';
export type { Logger } from './lib/logger.ts';
export { MemoryEngine } from './core/memory-engine.ts';
export type { OverflowDecision, UnconnectedPublish } from './core/callbacks.ts';
export type { ChannelRule } from './channel-rule-table.ts';
export type * from './server-options-types.ts';
export type { OverflowAction } from './ports/outbox.ts';
export type { HandshakeAnswer, Policy, PolicyRequest, SendRequest } from './ports/policy.ts';
export type { Published, Publishing } from './core/publisher.ts';
export type { CountsSoFar } from './core/counts.ts';
export type { Load } from './core/load.ts';
export type { Closed } from './core/server.ts';
export type { Readiness, ServerState } from './core/readiness.ts';
export type { Revocation } from './ports/revocations.ts';
export { UsageError } from './lib/usage-error.ts';
export type { RateLimiter } from './features/governor/address-rate.ts';
export type { Visible } from './features/presence/options.ts';
export type { PresenceEvent, PresentList } from './features/presence/present-list.ts';
export type { BinaryData } from './features/binary/binary.ts';
export { type ApiOptions, api } from './http/api/api.ts';
export type { ApiRight } from './http/api/caller.ts';
export type { ApiKey } from './http/api/key-ring.ts';
export type { OnceOptions } from './http/api/repeatable.ts';
export { type DashboardOptions, dashboard } from './http/dashboard.ts';
export type { DataOf } from './channels/channel-types.ts';
export { health } from './http/health.ts';
export { hostGuard } from './http/host-guard.ts';
export type { OriginPredicate } from './http/options.ts';
export { bayeux, type Middleware, type MiddlewareOptions } from './http/middleware.ts';
export type { AttachOptions } from './http/attach.ts';
export { BayeuxError, errors } from './protocol/errors.ts';
export type * from './protocol/message.ts';
export type { Gap } from './ports/gap.ts';
export { Outgoing, OutgoingReply } from './protocol/outgoing.ts';
export { type Delivery, OutgoingEvent, type OverflowRule } from './ports/outgoing-event.ts';
export { Server, type ServerSettings } from './server.ts';
