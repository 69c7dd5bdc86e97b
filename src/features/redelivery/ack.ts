import { toggle } from '../../options/rows.ts';
import type { Feature, FeatureModule } from '../../ports/feature.ts';
import { AckedOutbox } from './acked-outbox.ts';

/** Sends events again until the client acknowledges them (AK-1). Wire form: CometD reference, acknowledge extension. */
export const ack: Feature = {
  name: 'ack',
  kinds: ['handshake'],
  onlyWithExt: true,

  opened(session, { ext }) {
    if (ext?.ack !== true) return;
    session.outbox = new AckedOutbox(session.outbox);
    session.deliverOnly = true;
  },

  attach(session) {
    const { outbox } = session;
    if (!(outbox instanceof AckedOutbox)) return [];
    return [{ connecting: ({ ext }) => session.confirmed(outbox.acknowledge(batchOf(ext?.ack))) }];
  },

  // The outbox adds the batch number when the reply leaves.
  outgoing(reply, session) {
    const agreed = reply.successful && session?.outbox instanceof AckedOutbox;
    return agreed ? { ...reply, ext: { ...reply.ext, ack: true } } : reply;
  },
};

// AK-6: a value that is not an integer acknowledges nothing.
function batchOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : 0;
}

export const ackModule = {
  sections: {
    Extensions: { ack: toggle(true, 'Sends events again until acknowledged, to clients that ask for it.') },
  },
  make: ({ options }: { readonly options: { readonly ack: boolean } }) => (options.ack ? ack : undefined),
} as const satisfies FeatureModule;
