import { type Clock, systemClock } from './core/clock.ts';
import type { Extension } from './core/extension.ts';
import { type ResolvedOptions, resolveOptions } from './core/options/options.ts';
import { Server as CoreServer, type ServerSettings } from './core/server.ts';
import { ack } from './extensions/ack.ts';
import { activity } from './extensions/activity.ts';
import { binary } from './extensions/binary.ts';
import { retained } from './extensions/retained.ts';
import { timestamp } from './extensions/timestamp.ts';
import { timesync } from './extensions/timesync.ts';
import { heapLimit } from './heap.ts';

/** Sessions, channels and who hears what, with the extensions its options ask for. Knows no sockets: transports bring it requests and conduits. */
export class Server extends CoreServer {
  /** Throws `UsageError` for an unknown option or a bad value (CF-1). */
  constructor(settings: ServerSettings = {}) {
    super(extended(settings));
  }
}

// The core may not ask Node for its heap, so it is given all options resolved.
function extended(settings: ServerSettings): ServerSettings {
  const {
    policy: _policy,
    engine: _engine,
    history: _history,
    log: _log,
    clock,
    extensions = [],
    ...given
  } = settings;
  const options = resolveOptions(given, heapLimit());
  return { ...settings, ...options, extensions: [...standardExtensions(options, clock), ...extensions] };
}

/** The extensions that these options ask for. */
export function standardExtensions(options: ResolvedOptions, clock: Clock = systemClock): Extension[] {
  const { mode, maxInactivity } = options.activity;
  return [
    ...(options.redelivery === 'retained' ? [retained] : []),
    ...(options.ack ? [ack] : []),
    ...(options.timesync ? [timesync(clock, options.timesync.accuracy)] : []),
    ...(options.binary ? [binary] : []),
    ...(options.timestamp ? [timestamp(clock, options.timestamp)] : []),
    ...(maxInactivity > 0 ? [activity(clock, mode, maxInactivity)] : []),
  ];
}
