import { copyOf } from '../lib/json.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Delivery } from '../ports/outgoing-event.ts';
import { kindOf } from '../protocol/channel.ts';
import type { Event, JsonObject } from '../protocol/message.ts';
import type { Core } from './context.ts';

/** An event that the application publishes, and how it is delivered. */
export interface Publishing extends Delivery {
  /** The name of a broadcast channel. */
  readonly channel: string;
  /** Anything that JSON can carry. */
  readonly data: unknown;
  readonly ext?: JsonObject;
}

/** The event as it is published. Throws `UsageError` for a bad channel, or data that JSON cannot carry, and `BayeuxError` for data that breaks the schema. */
export function eventOf({ channel, data, ext }: Publishing, { grammar, hooks, features }: Core): Event {
  if (kindOf(channel) !== 'broadcast' || !grammar.isName(channel))
    throw new UsageError(`"${channel}" is not the name of a broadcast channel`);
  const said = hooks.saying({ data, ...(ext !== undefined && { ext }) });
  const event = {
    channel,
    data: copyOf(said.data),
    ...(said.ext !== undefined && { ext: copyOf(said.ext) }),
  };
  if (features.checking.length > 0) features.check(channel, event.data);
  return event;
}

/** Publishes all of them, with nothing in between for any receiver, or none. */
export async function publishAll(all: readonly Publishing[], core: Core): Promise<void> {
  const { hooks, publisher } = core;
  const events = all.map((one) => eventOf(one, core));
  const passed: Event[] = [];
  for (const event of events) passed.push(await hooks.publishing(event, undefined));
  await publisher.publishAll(passed, all);
}
