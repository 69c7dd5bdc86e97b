import type { ChannelGrammar } from '../protocol/channel.ts';
import type { Admission } from './admission.ts';
import type { Advisor } from './advice.ts';
import type { Browsers } from './browsers.ts';
import type { Listeners } from './listeners.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { Clock } from '../lib/clock.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Events } from './events.ts';
import type { History } from './history/history.ts';
import type { Intake } from './intake.ts';
import type { Judge } from './judge.ts';
import type { Log } from '../lib/log.ts';
import type { ResolvedOptions } from './options/options.ts';
import type { Rules } from './options/rules.ts';
import type { Backlog } from './delivery/backlog.ts';
import type { Flusher } from './delivery/flusher.ts';
import type { OutboxLimits } from '../ports/outbox.ts';
import type { Oversized } from './delivery/oversized.ts';
import type { Pipeline } from './pipeline.ts';
import type { Publisher } from './publisher.ts';
import type { Refusals } from './refusals.ts';
import type { Replies } from './replies.ts';
import type { Revalidation } from './revalidation.ts';
import type { Sessions } from './sessions.ts';
import type { Timings } from './timing.ts';

/** The parts of a server, as they know one another. Put together in `server.ts`. */
export interface Core {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly grammar: ChannelGrammar;
  readonly timings: Timings;
  readonly advisor: Advisor;
  readonly rules: Rules;
  /** Absent when no rule asks for it. */
  readonly history: History | undefined;
  readonly refusals: Refusals;
  readonly intake: Intake;
  readonly judge: Judge;
  /** Absent where the policy is not asked again. */
  readonly revalidation: Revalidation | undefined;
  readonly pipeline: Pipeline;
  readonly replies: Replies;
  readonly events: Events;
  readonly listeners: Listeners;
  readonly browsers: Browsers;
  readonly outboxLimits: OutboxLimits;
  readonly oversized: Oversized;
  readonly backlog: Backlog;
  readonly flusher: Flusher;
  readonly admission: Admission;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly publisher: Publisher;
  /** Milliseconds left until a drained server closes, 0 once it has; undefined before it drains (EX-7). */
  drainsIn(): number | undefined;
}

/** What a request knows beyond itself and its session. */
export interface Context {
  readonly core: Core;
  readonly conduit: Conduit;
  /** Whether the request came alone in its batch (CN-6, HS-3). */
  readonly alone: boolean;
  /** Has something done when the response was written, or never will be. */
  afterwards(call: () => void): void;
}
