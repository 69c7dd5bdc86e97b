import type { ChannelGrammar } from '../protocol/channel.ts';
import type { Admission } from './admission.ts';
import type { Advisor } from './advice.ts';
import type { Features } from './features.ts';
import type { Session, SessionHost } from './session.ts';
import type { Listeners } from './listeners.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Clock } from '../lib/clock.ts';
import type { Counts } from './counts.ts';
import type { Deadlines } from './deadlines.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Events } from './events.ts';
import type { Intake } from './intake.ts';
import type { Judge } from './judge.ts';
import type { Log } from '../lib/log.ts';
import type { DeliveryRules } from './delivery/rules.ts';
import type { CoreOptions } from './options.ts';
import type { Backlog } from './delivery/backlog.ts';
import type { Flusher } from './delivery/flusher.ts';
import type { Oversized } from './delivery/oversized.ts';
import type { Hooks } from './hooks.ts';
import type { Publisher } from './publisher.ts';
import type { Refusals } from './refusals.ts';
import type { Replies } from './replies.ts';
import type { Sessions } from './sessions.ts';
import type { Transports } from './transports.ts';

/** The parts of a server. `server.ts` puts them together. */
export interface Core {
  readonly options: CoreOptions;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly log: Log;
  readonly grammar: ChannelGrammar;
  readonly transports: Transports;
  readonly advisor: Advisor;
  readonly rules: DeliveryRules;
  readonly counts: Counts;
  readonly refusals: Refusals;
  readonly intake: Intake;
  readonly judge: Judge;
  readonly hooks: Hooks;
  readonly features: Features;
  readonly replies: Replies;
  readonly events: Events;
  readonly listeners: Listeners;
  readonly limits: SessionHost['limits'];
  readonly oversized: Oversized;
  readonly backlog: Backlog;
  readonly flusher: Flusher;
  readonly admission: Admission;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly publisher: Publisher;
  /** Whether the server drains or is closed (EX-7): then no session may be opened. */
  isClosing(): boolean;
  /**
   * Milliseconds that a session has to wait whose server drains and has sent it away; `gone` if it has to end; undefined if it may
   * stay.
   */
  awayFor(session: Session): number | 'gone' | undefined;
}

/** The arguments of request handlers besides the request and its session. */
export interface Context {
  readonly core: Core;
  readonly conduit: Conduit;
  /** Whether the request came alone in its batch (CN-6, HS-3). */
  readonly alone: boolean;
  /**
   * Only an answer is missing: the next messages of the session and of the batch need not wait. `engine`: it has the message. `store`: a
   * feature stores the publish and knows its place among others that it stores; all but publishes to broadcast channels do wait then.
   * Called once at most for each message.
   */
  handedOver(to: 'engine' | 'store'): void;
  /** Calls back when the response was written or never will be. */
  afterwards(call: () => void): void;
}
