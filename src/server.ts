import { type Clock, systemClock } from './core/clock.ts';
import type { Extension } from './core/extension.ts';
import { type ResolvedOptions, resolveOptions } from './core/options.ts';
import { Server as CoreServer, type ServerSettings } from './core/server.ts';
import { ack } from './extensions/ack.ts';
import { activity } from './extensions/activity.ts';
import { binary } from './extensions/binary.ts';
import { timestamp } from './extensions/timestamp.ts';
import { timesync } from './extensions/timesync.ts';

/** Sessions, channels and who hears what, with the extensions that the options ask for. Knows no sockets: transports bring it requests and conduits. */
export class Server extends CoreServer {
  /** Throws `UsageError` for an unknown option or a bad value (CF-1). */
  constructor(settings: ServerSettings = {}) {
    super({ ...settings, extensions: [...standardExtensions(settings), ...(settings.extensions ?? [])] });
  }
}

function standardExtensions(settings: ServerSettings): Extension[] {
  const { policy: _p, extensions: _e, engine: _n, log: _l, clock = systemClock, ...options } = settings;
  return [...chosen(resolveOptions(options), clock)];
}

function* chosen(options: ResolvedOptions, clock: Clock): Iterable<Extension> {
  if (options.ack) yield ack;
  if (options.timesync) yield timesync(clock, options.timesync.accuracy);
  if (options.binary) yield binary;
  if (options.timestamp !== false) yield timestamp(clock, options.timestamp);
  const { mode, maxInactivity } = options.activity;
  if (maxInactivity > 0) yield activity(clock, mode, maxInactivity);
}
