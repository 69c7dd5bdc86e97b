import { toggle } from '../../options/rows.ts';
import type { FeatureModule } from '../../ports/feature.ts';
import type { Extension, SentMessage } from '../../ports/session.ts';
import { errors } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { decode, encode } from './z85.ts';

/** Bytes as the application says and hears them, in the `data` of a message. */
export interface BinaryData {
  readonly data: Uint8Array;
  /** Whether these are the last ones of what they belong to; `true` when left out. */
  readonly last?: boolean;
  readonly meta?: JsonObject;
}

/**
 * Lets the application hear and say bytes, which are Z85 on the wire (BN-1 to BN-4). What clients send one another is not
 * looked at. Wire form: CometD reference, binary extension.
 */
export const binary: Extension = {
  name: 'binary',

  toApplication(message) {
    if (!isObject(message.ext?.binary)) return message;
    return { ...message, data: read(message.data) };
  },

  fromApplication(said) {
    const { data } = said;
    return hasBytes(data) ? write(said, data) : said;
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
      binary: toggle(true, 'Listeners hear bytes, and what the application sends may hold them.'),
    },
  },
  make: ({ options }: { readonly options: { readonly binary: boolean } }) =>
    options.binary ? binary : undefined,
} as const satisfies FeatureModule;
