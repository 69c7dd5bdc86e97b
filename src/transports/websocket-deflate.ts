import { constants, inflateRawSync } from 'node:zlib';
import type { Extension, ExtensionSession, Message, Processed } from 'faye-websocket';

/**
 * `permessage-deflate` (RFC 7692) as an extension of `faye-websocket`: negotiates it and inflates messages.
 * No context takeover in either direction, so that no socket keeps a window, and all sockets can share a
 * compressed frame (see `deflatedFrame`).
 */
export function permessageDeflate(maxLength: number, agreed: () => void): Extension {
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
      return new InflatingSession(maxLength, offer.server_max_window_bits !== undefined);
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

class InflatingSession implements ExtensionSession {
  readonly #maxLength: number;
  readonly #namesWindow: boolean;

  constructor(maxLength: number, namesWindow: boolean) {
    this.#maxLength = maxLength;
    this.#namesWindow = namesWindow;
  }

  generateResponse(): Readonly<Record<string, true | number>> {
    return {
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      ...(this.#namesWindow && { server_max_window_bits: WINDOW_BITS }),
    };
  }

  // Synchronous, so that messages keep their order. A message that is too large stops while it is inflated (WS-16).
  processIncomingMessage(message: Message, processed: Processed): void {
    if (!message.rsv1) {
      processed(null, message);
      return;
    }
    try {
      message.data = inflateRawSync(Buffer.concat([message.data, TAIL]), {
        maxOutputLength: this.#maxLength,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
    } catch (error) {
      processed(new InflateError(error), null);
      return;
    }
    processed(null, message);
  }

  // Data frames do not pass here: `deflatedFrame` makes them.
  processOutgoingMessage(message: Message, processed: Processed): void {
    processed(null, message);
  }

  close(): void {}
}

/** The WebSocket closes with the code for this `type`. */
class InflateError extends Error {
  readonly type: 'too_large' | 'encoding_error';

  constructor(cause: unknown) {
    super('cannot inflate', { cause });
    const isTooLarge = cause instanceof RangeError;
    this.type = isTooLarge ? 'too_large' : 'encoding_error';
  }
}
