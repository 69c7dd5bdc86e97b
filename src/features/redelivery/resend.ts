import type { OptionTable } from '../../options/table.ts';
import type { Feature, FeatureModule } from '../../ports/feature.ts';
import type { SentLimits } from './sent-events.ts';
import { ResendOutbox } from './resend-outbox.ts';

/** Sends the events of a lost connect reply again, marked `ext.redelivered`. Clients need not support this (DL-13). */
export function resend(limits: SentLimits): Feature {
  return {
    name: 'resend',
    kinds: ['connect', 'publish', 'subscribe', 'unsubscribe'],

    opened(session) {
      // Without connects there is no reply to lose. With acknowledgements, another outbox repeats events already.
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
        // This request will bind a new socket. But only the connect will show which events to repeat first.
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
    doc: 'Events to send again: those that could not be written (`unflushed`), or also those of a lost connect reply (`resend`).',
  },
} as const satisfies OptionTable;

type Parts = {
  readonly options: SentLimits & { readonly redelivery: 'unflushed' | 'resend' };
};

export const resendModule = {
  sections: { 'Events and queues': rows },
  make: ({ options }: Parts) => (options.redelivery === 'resend' ? resend(options) : undefined),
} as const satisfies FeatureModule;
