import type { Conduit } from '../../src/ports/conduit.ts';
import type { Extension } from '../../src/ports/session.ts';
import { until } from './until.ts';

export const PARKED = { channel: '/service/park', id: 'parked' };

/** Takes the conduit of a request away from the server, which never answers it. */
export function parking(): { extension: Extension; parked: () => Promise<Conduit> } {
  let conduit: Conduit | undefined;
  return {
    extension: {
      name: 'park',
      incoming(request, { conduit: by }) {
        if (request.channel !== PARKED.channel) return request;
        conduit = by;
        return new Promise(() => {});
      },
    },
    async parked() {
      await until(() => conduit !== undefined);
      if (conduit === undefined) throw new Error('nothing came');
      return conduit;
    },
  };
}
