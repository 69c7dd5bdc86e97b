import { ChannelGrammar } from '../../protocol/channel.ts';
import { BayeuxError } from '../../protocol/errors.ts';
import type { ApiServer } from './api-server.ts';
import { type ApiGrant, apiRights, Caller } from './caller.ts';
import { checker } from './checker.ts';
import { faultOfGrant } from './key-ring.ts';
import { Problem } from './problem.ts';

const texts = { type: 'array', items: { type: 'string' } };
const claim = checker<ApiGrant>('body', {
  type: 'object',
  properties: { rights: { type: 'array', items: { enum: apiRights } }, channels: texts },
  required: ['rights'],
  additionalProperties: false,
});

/** Finds callers by their tokens: the claim `api` of a token has rights and channels, as an API key has. */
export class TokenCallers {
  readonly #server: ApiServer;
  readonly #grammar: ChannelGrammar;

  constructor(server: ApiServer) {
    this.#server = server;
    this.#grammar = new ChannelGrammar(server.options);
  }

  /** Throws `Problem` for a token that is refused, and for one with a malformed claim. */
  async find(token: string, address: string): Promise<Caller> {
    const { user = '', api } = (await this.#verified(token, address)) ?? {};
    return new Caller('token', user, api === undefined ? { rights: [] } : this.#grantOf(api));
  }

  async #verified(token: string, address: string) {
    try {
      return await this.#server.apiClaim(token, address);
    } catch (error) {
      throw problemFor(error);
    }
  }

  #grantOf(api: unknown): ApiGrant {
    const grant = readClaim(api);
    const why = faultOfGrant(grant, this.#grammar);
    if (why !== undefined) throw malformed(why);
    return grant;
  }
}

function readClaim(api: unknown): ApiGrant {
  try {
    return claim.read(api);
  } catch (error) {
    throw error instanceof Problem ? malformed(`is malformed: ${error.message}`) : error;
  }
}

const malformed = (why: string) =>
  invalid('token_invalid', `the claim "api" in the grants of the token ${why}`);

function problemFor(error: unknown): unknown {
  if (!(error instanceof BayeuxError)) return error;
  if (error.code === 'token_expired')
    return invalid('token_expired', 'the token has expired: send a fresh one');
  if (error.code === 'token_revoked') return invalid('token_revoked', 'the token is revoked');
  if (error.code === 'token_invalid')
    return invalid('token_invalid', 'the token cannot be verified: the log of the server says why');
  return new Problem(
    'keys_unavailable',
    'the keys that verify tokens cannot be fetched now: try again later',
  );
}

function invalid(code: 'token_expired' | 'token_revoked' | 'token_invalid', detail: string): Problem {
  return new Problem(code, detail, { headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } });
}
