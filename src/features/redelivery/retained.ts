import type { Extension } from '../../ports/extension.ts';
import { RetainedOutbox } from './retained-outbox.ts';

/** Sends again what a lost connect reply brought, marked `ext.redelivered`, to clients that know nothing of it (DL-13). */
export const retained: Extension = {
  name: 'retained',
  kinds: ['connect', 'publish', 'subscribe', 'unsubscribe'],

  opened(session) {
    // Between it and the server nothing gets lost.
    if (session.transport === 'in-process') return;
    session.outbox = new RetainedOutbox(session.limits, session);
    session.deliverOnly = 'polling';
  },

  incoming(request, session, conduit, alone) {
    // With acknowledgements there is another one.
    if (!(session?.outbox instanceof RetainedOutbox)) return request;
    const { outbox, push } = session;
    if (request.kind === 'connect') {
      session.deliverOnly = 'polling';
      // What a stream brings is not lost with a reply.
      const isLost = outbox.lostReply.isShownBy(request, conduit, alone) && push?.shape !== 'stream';
      if (isLost) outbox.repeat();
      else outbox.confirm();
    } else if (conduit.shape === 'socket' && push === undefined && outbox.kept > outbox.size) {
      // This will bind a new socket, but only the connect will tell what has to be repeated before all else.
      session.deliverOnly = true;
    }
    return request;
  },
};
