import { UsageError } from '../../lib/usage-error.ts';
import { count, group, many, ms, toggle, token } from '../../options/rows.ts';
import type { OptionTable, Resolved } from '../../options/table.ts';
import { algorithms } from './algorithms.ts';
import type { GrantRule } from './rule-grants.ts';

const file = { kind: 'string', pattern: /./, what: 'a file name' } as const;

const rows = {
  auth: group(
    'Authentication by JSON Web Tokens. It is on as soon as there is a key; the server then refuses everything that is not granted.',
    {
      secret: {
        kind: 'string',
        pattern: /^(?!<redacted>$)(?=.{32,})/s,
        what: 'at least 32 characters, not `<redacted>`',
        secret: true,
        doc: 'Shared secret of tokens that are signed with HS256. HS384 needs 48 bytes, HS512 64.',
      },
      secretFile: {
        ...file,
        doc: 'File with that secret. The log warns if other users can access it.',
      },
      keyFile: {
        ...file,
        doc: 'File with public keys: a key in PEM, a certificate, a JWK or a set of JWKs. The log warns if other users can write it.',
      },
      jwks: group('Public keys of an identity provider, fetched when they are needed.', {
        url: {
          kind: 'string',
          pattern: /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/,
          what: 'an https address (http for this machine alone)',
          doc: 'Address of the set of JWKs; needs `auth.audience`.',
        },
        maxAge: ms(600_000, 'How long fetched keys are used before they are fetched again.', 10_000),
        maxStale: ms(3_600_000, 'How much longer the old keys are used while new ones cannot be fetched.'),
      }),
      algorithms: {
        kind: 'list',
        items: algorithms,
        doc: 'Algorithms that a token may be signed with. Unset allows all that fit the key.',
      },
      issuer: {
        kind: 'list',
        what: 'issuers',
        default: [],
        doc: 'Accepted values of `iss`. Empty accepts every token.',
      },
      audience: {
        kind: 'list',
        what: 'audiences',
        default: [],
        doc: 'Accepted values of `aud`. Empty accepts every token.',
      },
      clockTolerance: {
        ...ms(5_000, 'How far the clock of the signer may differ from that of the server.'),
        max: 600_000,
      },
      maxLifetime: {
        ...ms(
          86_400_000,
          'Longest time from `iat`, or from now without `iat`, to `exp` of a token; 0 is any.',
        ),
        max: Number.MAX_SAFE_INTEGER,
      },
      cookie: { kind: 'string', ...token, doc: 'Cookie that may carry the token; needs `authByCookie`.' },
      anonymous: toggle(false, 'Clients without a token may open sessions, too.'),
      info: {
        kind: 'list',
        what: 'names of claims',
        default: [],
        doc: 'Claims that are copied to `session.user.info`.',
      },
      revocations: group(
        'Limits of the list of revoked users and tokens. `server.revoke` adds an entry, which stays until the revoked tokens have expired.',
        {
          maxEntries: count(
            'entries',
            100_000,
            1,
            many,
            'Largest number of users and tokens in the list. When the list is full, `server.revoke` ends the sessions and then fails.',
          ),
          maxBytes: count(
            'bytes',
            33_554_432,
            1,
            many,
            'Largest memory of the list. An entry takes about 300 bytes.',
          ),
        },
      ),
      grantsClaim: {
        kind: 'string',
        pattern: /./,
        what: 'the name of a claim',
        default: 'bayeux',
        doc: 'Claim with the grants of the user: `{ subscribe, publish, call, history }`, each a list of patterns.',
      },
    },
  ),
} as const satisfies OptionTable;

const grantee = { kind: 'word', words: ['everybody', 'users', 'nobody'] } as const;

const ruleRows = {
  grants: group(
    'Grants on these channels, besides those of tokens: to everybody, to users with a token, or to nobody.',
    {
      subscribe: { ...grantee, doc: 'Who may subscribe to them.' },
      publish: { ...grantee, doc: 'Who may publish to them.' },
      call: { ...grantee, doc: 'Who may publish to them, if they are service channels.' },
      history: { ...grantee, doc: 'Who may ask for earlier events.' },
    },
  ),
} as const satisfies OptionTable;

/** The options of authentication. */
export type AuthOptions = Resolved<typeof rows>['auth'];

/** Whether there is a key, so that tokens can be verified. */
export function hasKey({ secret, secretFile, keyFile, jwks }: AuthOptions): boolean {
  return (secret ?? secretFile ?? keyFile ?? jwks.url) !== undefined;
}

/** True when keys come from a file or an address, so that they may change while the server runs. */
export function readsKeys({ secretFile, keyFile, jwks }: AuthOptions): boolean {
  return (secretFile ?? keyFile ?? jwks.url) !== undefined;
}

const idle = 'has no effect without a key: set auth.secret, auth.secretFile, auth.keyFile or auth.jwks.url';

function refuse({
  auth,
  authByCookie,
  channels,
}: {
  readonly auth: AuthOptions;
  readonly authByCookie: boolean;
  readonly channels: Readonly<Record<string, GrantRule>>;
}): void {
  for (const [pattern, { grants }] of Object.entries(channels)) {
    if (grants === undefined || hasKey(auth)) continue;
    throw new UsageError(`channels["${pattern}"].grants ${idle}`);
  }
  const wanted = auth.anonymous ? 'anonymous' : auth.cookie !== undefined ? 'cookie' : undefined;
  if (wanted !== undefined && !hasKey(auth)) throw new UsageError(`auth.${wanted} ${idle}`);
  if (auth.jwks.url !== undefined && auth.audience.length === 0)
    throw new UsageError(
      'auth.jwks.url needs auth.audience: without it the server accepts tokens that the provider made for other services',
    );
  if (auth.secret !== undefined && auth.secretFile !== undefined)
    throw new UsageError('auth.secretFile and auth.secret exclude each other: leave one out');
  if (auth.jwks.url !== undefined && auth.keyFile !== undefined)
    throw new UsageError('auth.keyFile and auth.jwks.url exclude each other: leave one out');
  // SEC-4, SEC-5: browsers send cookies whichever page made the request.
  if (auth.cookie !== undefined && !authByCookie)
    throw new UsageError(
      'auth.cookie needs authByCookie: true, which refuses options that would let pages of other sites use the cookie',
    );
}

/** The options of authentication, and its fields of channel rules. */
export const authOptions = {
  sections: { 'Who may use the server': rows },
  ruleRows,
  rulesService: true,
  refuse,
} as const;
