import type { CloseReason } from '../../ports/conduit.ts';
import type { SessionState } from '../../ports/session.ts';
import type { Fate } from './publishes.ts';

/** Why an event was dropped: by a limit of the queue, since it could not leave at once, or by the action of a rule. */
export type LossCause = 'queue' | 'volatile' | 'dropOldest' | 'dropNewest' | 'conflate' | 'disconnect';

/** A session, as an explanation names it. */
export interface Who {
  /** The public id. */
  readonly session: string;
  readonly user?: string | undefined;
}

/** A session that ended. Times are milliseconds since the epoch, here and below. */
export interface EndedSession extends Who {
  readonly at: number;
  readonly reason: CloseReason;
}

/** Something that the server refused. */
export interface Refused {
  /** The latest time. */
  readonly at: number;
  readonly times: number;
  /** As in the log: `origin.refused`. */
  readonly event: string;
  readonly option?: string | undefined;
  readonly why: string;
  readonly channel?: string | undefined;
  /** The `error` of the reply. */
  readonly reply?: string | undefined;
  readonly session?: string | undefined;
}

/** An event that was dropped for a session. */
export interface Lost {
  readonly at: number;
  readonly publish: number | undefined;
  readonly channel: string;
  readonly session: string;
  readonly cause: LossCause;
}

/** A pattern that a session began or ceased to subscribe to. */
export interface Subscribed {
  readonly at: number;
  readonly session: string;
  readonly pattern: string;
  readonly isOn: boolean;
}

/** A session that is open. */
export interface OpenSession extends Who {
  readonly state: SessionState;
  /** Whether there is a socket, a stream or a held connect that could carry an event. */
  readonly isThere: boolean;
  readonly patterns: readonly string[];
  /** Events of the channel that wait for the client. */
  readonly waiting: number;
  /** When the latest event of the channel that the server had kept was handed over, if the last one was of this channel. */
  readonly broughtAt?: number | undefined;
}

/** A receiver of a publish. */
export interface Receiver extends Who {
  readonly fates: readonly Fate[];
  readonly isWaiting: boolean;
  readonly lostBy?: LossCause | undefined;
  readonly ended?: EndedSession | undefined;
}

/** A publish, and what became of it. */
export interface Publish {
  readonly id: number;
  readonly at: number;
  readonly channel: string;
  /** Absent for one of the server, of the HTTP API, or without a session. */
  readonly publisher?: Who | undefined;
  /** Whether it was for sessions by name, not for those that subscribe. */
  readonly isNamed: boolean;
  /** Whether it is in the history of the channel. */
  readonly isDurable: boolean;
  /** Sessions that it was for. */
  readonly matched: number;
  readonly counts: Readonly<Record<Fate, number>>;
  /** The first ones. */
  readonly receivers: readonly Receiver[];
}

/** All that is known of one publish. */
export interface PublishFacts {
  readonly now: number;
  readonly publish: Publish;
  /** Patterns that open sessions subscribe to; some, if there are many. */
  readonly patterns: readonly string[];
}

/** A question: would, or did, this session or user get events of this channel? */
export interface Question {
  readonly channel: string;
  readonly session?: string | undefined;
  readonly user?: string | undefined;
}

/** All that is known of a channel and a session, or a user. Lists are newest first. */
export interface ChannelFacts {
  readonly now: number;
  /** When the journal began. */
  readonly since: number;
  readonly question: Question;
  readonly open: readonly OpenSession[];
  readonly ended: readonly EndedSession[];
  readonly refused: readonly Refused[];
  readonly lost: readonly Lost[];
  readonly subscribed: readonly Subscribed[];
  /** Whether only the server itself sends on the channel, to those who subscribe. */
  readonly isReserved: boolean;
  /** The latest publishes to the channel, without those that named other sessions. */
  readonly publishes: readonly Publish[];
  /** The latest publish that named other sessions. */
  readonly toOthers?: Publish | undefined;
  /** Channels that were published to, and that differ from the channel in upper and lower case only. */
  readonly alike: readonly string[];
}
