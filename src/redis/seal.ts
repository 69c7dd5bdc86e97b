import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY = 32;
const TAG = 16;

/** One end of a pipe through mailboxes. */
export interface End {
  readonly node: string;
  /** Random: another for each pipe. */
  readonly id: string;
}

/** The keys of one node, made anew at each start: X25519. */
export class NodeKeys {
  /** For the other nodes: base64url. */
  readonly open: string;
  readonly #own: KeyObject;
  readonly #secret: string;

  /** `secret`: whoever does not know it cannot seal anything for this node; empty if there is none. */
  constructor(secret: string) {
    const { publicKey, privateKey } = generateKeyPairSync('x25519');
    this.open = publicKey.export({ format: 'jwk' }).x ?? '';
    this.#own = privateKey;
    this.#secret = secret;
  }

  /** What seals texts from one end of a pipe to the other. Undefined if `open` is no key of a node. */
  seal(open: string, own: End, other: End): Seal | undefined {
    const shared = this.#sharedWith(open);
    if (shared === undefined) return undefined;
    const [first, second] = own.node < other.node ? [own, other] : [other, own];
    const pipe = JSON.stringify(['bayeuxd pipe', first.node, first.id, second.node, second.id]);
    const secret = Buffer.concat([shared, Buffer.from(this.#secret)]);
    const keys = Buffer.from(hkdfSync('sha256', secret, '', pipe, 2 * KEY));
    const [one, two] = [keys.subarray(0, KEY), keys.subarray(KEY)];
    return own === first ? new Seal(one, two) : new Seal(two, one);
  }

  #sharedWith(open: string): Buffer | undefined {
    try {
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: open }, format: 'jwk' });
      return diffieHellman({ privateKey: this.#own, publicKey: key });
    } catch {
      return undefined;
    }
  }
}

/** Seals and opens what goes through one pipe, one key for each direction. Each text has a number, which is never used twice. */
export class Seal {
  readonly #out: Buffer;
  readonly #in: Buffer;

  constructor(out: Buffer, incoming: Buffer) {
    this.#out = out;
    this.#in = incoming;
  }

  close(number: number, bytes: Buffer): string {
    const cipher = createCipheriv(CIPHER, this.#out, nonceOf(number));
    return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]).toString('base64');
  }

  /** Undefined if the other end did not seal this under this number. */
  open(number: number, box: string): Buffer | undefined {
    const bytes = Buffer.from(box, 'base64');
    const end = bytes.length - TAG;
    if (end < 0) return undefined;
    const decipher = createDecipheriv(CIPHER, this.#in, nonceOf(number)).setAuthTag(bytes.subarray(end));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}
