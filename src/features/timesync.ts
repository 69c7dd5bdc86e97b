import type { Clock } from '../lib/clock.ts';
import { group, ms } from '../options/rows.ts';
import type { FeatureModule } from '../ports/feature.ts';
import type { Extension } from '../ports/session.ts';
import { isObject, type JsonObject } from '../protocol/message.ts';

/** Clock data that a client sent, all finite (TS-3). Milliseconds. */
interface Sample {
  /** The client's time when it sent this. */
  readonly tc: number;
  /** The client's estimates of network lag and clock offset; absent before the first estimate. */
  readonly known: { readonly lag: number; readonly offset: number } | undefined;
}

/**
 * Sends clients the data to compute the server's time, when their estimate is wrong by `accuracy` milliseconds (TS-1, TS-2).
 * The lag that a client measured is in `session.attributes.timesync`, as `{ lag }`.
 */
export function timesync(clock: Clock, accuracy: number): Extension {
  // Keyed by `ext.timesync` of the request: other extensions may copy the message, but not this object.
  const received = new WeakMap<object, number>();
  const now = (): number => Math.round(clock.now());
  return {
    name: 'timesync',
    kinds: ['handshake', 'connect', 'subscribe', 'unsubscribe', 'disconnect'],
    onlyWithExt: true,

    incoming(request, { session }) {
      const sent = request.ext?.timesync;
      if (!isObject(sent)) return request;
      received.set(sent, now());
      const lag = sampleOf(sent)?.known?.lag;
      if (session !== undefined && lag !== undefined) session.attributes.timesync = { lag };
      return request;
    },

    outgoing(reply, _session, request) {
      const sent = request.kind === 'invalid' ? undefined : request.ext?.timesync;
      if (!isObject(sent)) return reply;
      const [sample, ts] = [sampleOf(sent), received.get(sent)];
      const answer = sample && ts !== undefined ? answerTo(sample, ts, now(), accuracy) : undefined;
      return answer === undefined ? reply : { ...reply, ext: { ...reply.ext, timesync: answer } };
    },
  };
}

function answerTo({ tc, known }: Sample, ts: number, now: number, accuracy: number): JsonObject | undefined {
  const p = now - ts;
  if (known === undefined) return { tc, ts, p };
  const a = tc + known.offset + known.lag - ts;
  return known.lag === 0 || Math.abs(a) >= accuracy ? { tc, ts, p, a } : undefined;
}

function sampleOf({ tc, l, o }: JsonObject): Sample | undefined {
  if (!isFiniteNumber(tc)) return undefined;
  if (l === undefined) return o === undefined || isFiniteNumber(o) ? { tc, known: undefined } : undefined;
  return isFiniteNumber(l) && isFiniteNumber(o) ? { tc, known: { lag: l, offset: o } } : undefined;
}

const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value);

const rows = {
  timesync: {
    ...group('Tells clients that ask for it the time of the server; `false` turns this off.', {
      accuracy: ms(25, 'A client gets a correction when its estimate is wrong by at least this.'),
    }),
    off: true,
  },
} as const;

type Parts = {
  readonly options: { readonly timesync: false | { readonly accuracy: number } };
  readonly clock: Clock;
};

export const timesyncModule = {
  sections: { Extensions: rows },
  make: ({ options, clock }: Parts) =>
    options.timesync === false ? undefined : timesync(clock, options.timesync.accuracy),
} as const satisfies FeatureModule;
