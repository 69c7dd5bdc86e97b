import { toggle } from '../../options/rows.ts';
import type { FeatureModule } from '../../ports/feature.ts';
import type { Extension, SentMessage } from '../../ports/session.ts';
import { errors } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { decode, encode } from './z85.ts';

/** The `data` of a binary message, as the application sends and receives it. */
export interface BinaryData {
  readonly data: Uint8Array;
  /** Whether these are the last bytes of a transfer; `true` when absent. */
  readonly last?: boolean;
  readonly meta?: JsonObject;
}

/**
 * Lets the application send and receive bytes, which are Z85 on the wire (BN-1 to BN-4). Messages from client to client
 * are forwarded as they are. Wire form: CometD reference, binary extension.
 */
export const binary: Extension = {
  name: 'binary',

  toApplication(message) {
    if (!isObject(message.ext?.binary)) return message;
    return { ...message, data: read(message.data) };
  },

  fromApplication(message) {
    const { data } = message;
    return hasBytes(data) ? write(message, data) : message;
  },
};

function read(data: unknown): BinaryData {
  const bytes = isObject(data) && typeof data.data === 'string' ? decode(data.data) : undefined;
  if (!isObject(data) || bytes === undefined) throw errors.binaryInvalid();
  return { ...data, data: bytes, last: data.last !== false };
}

interface Bytes {
  readonly data: Uint8Array;
}

function hasBytes(data: unknown): data is Bytes {
  return typeof data === 'object' && data !== null && 'data' in data && data.data instanceof Uint8Array;
}

function write({ ext }: SentMessage, data: Bytes): SentMessage {
  return { data: { last: true, ...data, data: encode(data.data) }, ext: { ...ext, binary: {} } };
}

export const binaryModule = {
  sections: {
    Extensions: {
      binary: toggle(true, 'The application may send and receive bytes.'),
    },
  },
  make: ({ options }: { readonly options: { readonly binary: boolean } }) =>
    options.binary ? binary : undefined,
} as const satisfies FeatureModule;
