import type { Clock } from '../lib/clock.ts';
import type { Extension, Session } from '../ports/session.ts';
import { errors } from '../protocol/errors.ts';

/** Whose messages are activity: those of the client, or also what it is sent. */
export type ActivityMode = 'client' | 'client-server';

/** Ends sessions that for so many milliseconds did nothing but connect; seen when they connect (AC-1). */
export function activity(clock: Clock, mode: ActivityMode, maxInactivity: number): Extension {
  const note = (session: Session): void => {
    session.attributes.activity = clock.now();
  };
  const isInactive = (session: Session): boolean =>
    clock.now() - Number(session.attributes.activity) > maxInactivity;
  return {
    name: 'activity',
    opened: note,
    incoming(request, session) {
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
