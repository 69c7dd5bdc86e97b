import { createServer } from 'node:http';
import { once } from 'node:events';
import { exportJWK, generateKeyPair, type GenerateKeyPairOptions, type JWK, SignJWT } from 'jose';

/** A key of an identity provider: its public half as a JWK, and what signs with the private one. */
export interface Signer {
  readonly jwk: JWK;
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

/** Makes a key pair. */
export async function signer(alg: string, kid: string, options?: GenerateKeyPairOptions): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...options });
  return {
    jwk: { ...(await exportJWK(publicKey)), kid },
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

/** An identity provider that serves keys over HTTP, on a free port of this machine. */
export class JwksServer {
  /** What it answers with. */
  keys: readonly object[] = [];
  /** Stands for the answer, where it is set. */
  body: string | undefined;
  status = 200;
  /** Where the answer leads to instead. */
  location: string | undefined;
  /** Requests that came. */
  asked = 0;
  #url = '';
  readonly #server = createServer((_request, response) => {
    this.asked += 1;
    const headers = { 'content-type': 'application/json', ...(this.location && { location: this.location }) };
    response.writeHead(this.location ? 302 : this.status, headers);
    response.end(this.body ?? JSON.stringify({ keys: this.keys }));
  });

  static async start(): Promise<JwksServer> {
    const made = new JwksServer();
    made.#server.listen(0, '127.0.0.1');
    await once(made.#server, 'listening');
    const address = made.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('it has no port');
    made.#url = `http://127.0.0.1:${address.port}/jwks.json`;
    return made;
  }

  get url(): string {
    return this.#url;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
