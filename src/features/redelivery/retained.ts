import type { Feature } from '../../ports/feature.ts';
import type { SentLimits } from './retained-events.ts';
import { RetainedOutbox } from './retained-outbox.ts';

/** Sends again what a lost connect reply brought, marked `ext.redelivered`, to clients that know nothing of it (DL-13). */
export function retained(limits: SentLimits): Feature {
  return {
    name: 'retained',
    kinds: ['connect', 'publish', 'subscribe', 'unsubscribe'],

    opened(session) {
      // Nothing gets lost inside this process; and with acknowledgements there is another outbox that repeats.
      if (session.transport === 'in-process' || session.outbox.repeats !== undefined) return;
      session.outbox = new RetainedOutbox(session.outbox, limits, session);
      session.deliverOnly = 'polling';
    },

    incoming(request, session, conduit, alone) {
      if (!(session?.outbox instanceof RetainedOutbox)) return request;
      const { outbox, push } = session;
      if (request.kind === 'connect') {
        session.deliverOnly = 'polling';
        if (outbox.lostReply.isShownBy(request, conduit, alone)) outbox.repeat();
        else outbox.confirm();
      } else if (conduit.shape === 'socket' && push === undefined && outbox.kept > outbox.size) {
        // This will bind a new socket, but only the connect will tell what has to be repeated before all else.
        session.deliverOnly = true;
      }
      return request;
    },
  };
}
