import { constants, inflateRawSync } from 'node:zlib';
import type { Extension } from 'websocket-driver';

/**
 * `permessage-deflate` (RFC 7692), for `websocket-driver` to negotiate; `agreed` is called when an offer is accepted. No context takeover
 * in either direction, so that no socket keeps a window, and all sockets can share a compressed frame (see `deflatedFrame`).
 */
export function permessageDeflate(agreed: () => void): Extension {
  return {
    name: 'permessage-deflate',
    type: 'permessage',
    rsv1: true,
    rsv2: false,
    rsv3: false,
    createServerSession(offers) {
      const offer = offers.find(isAcceptable);
      if (offer === undefined) return null;
      agreed();
      return {
        generateResponse: () => ({
          server_no_context_takeover: true,
          client_no_context_takeover: true,
          ...(offer.server_max_window_bits !== undefined && { server_max_window_bits: WINDOW_BITS }),
        }),
      };
    },
  };
}

type Offer = Readonly<Record<string, unknown>>;

const WINDOW_BITS = 15;

// Shared frames need the whole window: clients with a smaller one get uncompressed frames.
const acceptable: Readonly<Record<string, (value: unknown) => boolean>> = {
  server_no_context_takeover: (value) => value === true,
  client_no_context_takeover: (value) => value === true,
  server_max_window_bits: (value) => value === WINDOW_BITS,
  client_max_window_bits: (value) => value === true || (Number(value) >= 8 && Number(value) <= WINDOW_BITS),
};

function isAcceptable(offer: Offer): boolean {
  return Object.entries(offer).every(
    ([name, value]) => Object.hasOwn(acceptable, name) && acceptable[name]?.(value) === true,
  );
}

// RFC 7692, 7.2.2: the end of the flush, which the sender left out.
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * The message that a client compressed. Throws `RangeError` when it has more than `maxLength` bytes, before more of it is inflated
 * (WS-16), and any other error when it does not inflate. Synchronous, so that messages keep their order.
 */
export function inflated(message: Buffer, maxLength: number): Buffer {
  return inflateRawSync(Buffer.concat([message, TAIL]), {
    maxOutputLength: maxLength,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}
