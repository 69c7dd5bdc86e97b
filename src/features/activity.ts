import type { Clock } from '../lib/clock.ts';
import { group, ms } from '../options/rows.ts';
import type { FeatureModule } from '../ports/feature.ts';
import type { Extension, Session } from '../ports/session.ts';
import { errors } from '../protocol/errors.ts';

/** Messages that count as activity: those from the client, or also those to it. */
export type ActivityMode = 'client' | 'client-server';

/** Ends sessions without activity for `maxInactivity` milliseconds. Checked when a connect arrives (AC-1). */
export function activity(clock: Clock, mode: ActivityMode, maxInactivity: number): Extension {
  const note = (session: Session): void => {
    session.attributes.activity = clock.now();
  };
  const isInactive = (session: Session): boolean =>
    clock.now() - Number(session.attributes.activity) > maxInactivity;
  return {
    name: 'activity',
    opened: note,
    incoming(request, { session }) {
      if (session === undefined) return request;
      if (request.kind !== 'connect') note(session);
      else if (isInactive(session)) {
        session.disconnect('inactive');
        throw errors.sessionDisconnected();
      }
      return request;
    },
    ...(mode === 'client-server' && {
      outgoing(reply, session, request) {
        if (session !== undefined && request.kind !== 'connect') note(session);
        return reply;
      },
      delivering(event, session) {
        note(session);
        return event;
      },
    }),
  };
}

const rows = {
  activity: group('Ends sessions whose clients only connect.', {
    maxInactivity: ms(
      0,
      'Time without activity after which the next connect ends the session; 0 is no limit.',
    ),
    mode: {
      kind: 'word',
      words: ['client', 'client-server'],
      default: 'client',
      doc: 'Activity: messages from the client except connects, or also messages to the client.',
    },
  }),
};

type Parts = {
  readonly options: { readonly activity: { readonly mode: ActivityMode; readonly maxInactivity: number } };
  readonly clock: Clock;
};

export const activityModule = {
  sections: { Extensions: rows },
  make: ({ options: { activity: options }, clock }: Parts) =>
    options.maxInactivity > 0 ? activity(clock, options.mode, options.maxInactivity) : undefined,
} as const satisfies FeatureModule;
