import { UsageError } from '../lib/usage-error.ts';
import type { Addressee } from '../ports/feature.ts';
import { type Delivery, OutgoingEvent } from '../ports/outgoing-event.ts';
import { type ChannelGrammar, kindOf } from '../protocol/channel.ts';
import type { JsonObject } from '../protocol/message.ts';
import { noChannel } from './arguments.ts';
import type { Backlog } from './delivery/backlog.ts';
import { type DeliveryRules, handlingBy } from './delivery/rules.ts';
import type { Features } from './features.ts';
import type { Hooks } from './hooks.ts';
import type { Reserved } from './reserved.ts';

/** How an event for named receivers is delivered, and its `ext`. */
export type AddressedOptions = Delivery & { readonly ext?: JsonObject };

/** The parts of the server that make and queue events for named receivers. */
export interface AddressedParts {
  readonly hooks: Hooks;
  readonly grammar: ChannelGrammar;
  readonly rules: DeliveryRules;
  readonly backlog: Backlog;
  readonly features: Pick<Features, 'reserved' | 'arriving' | 'arrive'>;
}

/** The event of a `deliver` call. `usage` shows the correct call. Throws `UsageError`. */
export function addressedEvent(
  channel: string,
  data: unknown,
  options: AddressedOptions,
  usage: string,
  { hooks, grammar, rules, features }: AddressedParts,
): OutgoingEvent {
  if (typeof channel !== 'string') throw noChannel(channel, usage);
  if (kindOf(channel) === 'meta' || !grammar.isName(channel))
    throw new UsageError(`"${channel}" is no broadcast or service channel`);
  if (features.reserved !== undefined) refuseReserved(channel, features.reserved);
  const sent = hooks.fromApplication({ data, ...(options.ext !== undefined && { ext: options.ext }) });
  // `lazy` of a rule counts for what is published, not for what is delivered.
  const { overflow, volatile } = rules.of(channel);
  return new OutgoingEvent({ channel, ...sent }, handlingBy({ overflow, volatile }, options));
}

/** Throws `UsageError` for a reserved channel: the application neither sends nor hears anything there. */
export function refuseReserved(channel: string, reserved: Reserved): void {
  if (!reserved.has(channel)) return;
  throw new UsageError(
    `"${channel}" is reserved: only the server itself sends events there; choose another channel`,
  );
}

/** Queues one event for these sessions, whether they subscribe or not (DL-12). */
export function queueFor(
  sessions: readonly Addressee[],
  event: OutgoingEvent,
  { backlog, features }: Pick<AddressedParts, 'backlog' | 'features'>,
): void {
  if (features.arriving.length > 0) features.arrive(event, sessions);
  for (const session of sessions) session.queue(event);
  backlog.queued(event);
}
