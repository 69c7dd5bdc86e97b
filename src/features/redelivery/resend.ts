import type { OptionTable } from '../../options/table.ts';
import type { Feature, FeatureModule } from '../../ports/feature.ts';
import type { SentLimits } from './sent-events.ts';
import { ResendOutbox } from './resend-outbox.ts';

/** Sends again what a lost connect reply brought, marked `ext.redelivered`, to clients that know nothing of it (DL-13). */
export function resend(limits: SentLimits): Feature {
  return {
    name: 'resend',
    kinds: ['connect', 'publish', 'subscribe', 'unsubscribe'],

    opened(session) {
      // Without connects no reply to one gets lost; and with acknowledgements there is another outbox that repeats.
      if (session.livesByConduit || session.outbox.repeats !== undefined) return;
      session.outbox = new ResendOutbox(session.outbox, limits, session);
      session.deliverOnly = 'polling';
    },

    incoming(request, { session, conduit, alone }) {
      if (!(session?.outbox instanceof ResendOutbox)) return request;
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

const rows = {
  redelivery: {
    kind: 'word',
    words: ['unflushed', 'resend'],
    default: 'unflushed',
    doc: 'What is sent again: what could not be written, or also what a lost connect reply carried.',
  },
} as const satisfies OptionTable;

type Parts = {
  readonly options: SentLimits & { readonly redelivery: 'unflushed' | 'resend' };
};

export const resendModule = {
  sections: { 'Events and queues': rows },
  make: ({ options }: Parts) => (options.redelivery === 'resend' ? resend(options) : undefined),
} as const satisfies FeatureModule;
