import { UsageError } from '../../lib/usage-error.ts';
import { group, ms, toggle, token } from '../../options/rows.ts';
import type { OptionTable, Resolved } from '../../options/table.ts';
import { algorithms } from './algorithms.ts';
import type { GrantRule } from './rule-grants.ts';

const file = { kind: 'string', pattern: /./, what: 'a file name' } as const;

const rows = {
  auth: group(
    'Who a client is: JSON Web Tokens. A key turns it on; then everything is refused that is not granted.',
    {
      secret: {
        kind: 'string',
        pattern: /^(?!<redacted>$)(?=.{32,})/s,
        what: 'at least 32 characters, not `<redacted>`',
        secret: true,
        doc: 'Secret of tokens that are signed with HS256; HS384 needs 48 bytes, HS512 64.',
      },
      secretFile: {
        ...file,
        doc: 'File with that secret, read at the start; only its owner should be able to read it.',
      },
      keyFile: {
        ...file,
        doc: 'File with public keys, read at the start: one in PEM, a certificate, a JWK or a set of JWKs.',
      },
      jwks: group('Public keys of an identity provider, fetched when they are needed.', {
        url: {
          kind: 'string',
          pattern: /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/,
          what: 'an https address (http for this machine alone)',
          doc: 'Address of the set of JWKs; needs `auth.audience`.',
        },
        maxAge: ms(600_000, 'How long fetched keys are used before they are fetched again.', 10_000),
        maxStale: ms(3_600_000, 'How much longer they are used while they cannot be fetched.'),
      }),
      algorithms: {
        kind: 'list',
        items: algorithms,
        doc: 'Algorithms a token may be signed with, of those that its key takes; unset is all of them.',
      },
      issuer: {
        kind: 'list',
        what: 'issuers',
        default: [],
        doc: 'What `iss` of a token must be one of; any if empty.',
      },
      audience: {
        kind: 'list',
        what: 'audiences',
        default: [],
        doc: 'What `aud` of a token must name one of; any if empty.',
      },
      clockTolerance: {
        ...ms(5_000, 'How far the clock of who signs tokens may differ.'),
        max: 600_000,
      },
      maxLifetime: {
        ...ms(
          86_400_000,
          'Longest time from `iat` to `exp` of a token, from now if it has no `iat`; 0 is any.',
        ),
        max: Number.MAX_SAFE_INTEGER,
      },
      cookie: { kind: 'string', ...token, doc: 'Cookie that may carry the token; needs `authByCookie`.' },
      anonymous: toggle(false, 'Clients without a token may open a session too.'),
      info: {
        kind: 'list',
        what: 'names of claims',
        default: [],
        doc: 'Claims that become `user.info` of a session.',
      },
      grantsClaim: {
        kind: 'string',
        pattern: /./,
        what: 'the name of a claim',
        default: 'bayeux',
        doc: 'Claim with what its user may do: `{ subscribe, publish, call, history }`, each a list of patterns.',
      },
    },
  ),
} as const satisfies OptionTable;

const grantee = { kind: 'word', words: ['everybody', 'users', 'nobody'] } as const;

const ruleRows = {
  grants: group(
    'Who is granted what on these channels, besides what tokens grant: everybody, users with a token, or nobody.',
    {
      subscribe: { ...grantee, doc: 'Who may subscribe to them.' },
      publish: { ...grantee, doc: 'Who may publish to them.' },
      call: { ...grantee, doc: 'Who may publish to them where they are service channels.' },
      history: { ...grantee, doc: 'Who may ask for what was published to them earlier.' },
    },
  ),
} as const satisfies OptionTable;

/** The options of authentication. */
export type AuthOptions = Resolved<typeof rows>['auth'];

/** Whether there is any key, by which tokens can be checked. */
export function hasKey({ secret, secretFile, keyFile, jwks }: AuthOptions): boolean {
  return (secret ?? secretFile ?? keyFile ?? jwks.url) !== undefined;
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
      'auth.jwks.url needs auth.audience: without it a token is taken that the provider made for another service',
    );
  if (auth.secret !== undefined && auth.secretFile !== undefined)
    throw new UsageError('auth.secretFile and auth.secret exclude each other: leave one out');
  if (auth.jwks.url !== undefined && auth.keyFile !== undefined)
    throw new UsageError('auth.keyFile and auth.jwks.url exclude each other: leave one out');
  // SEC-4, SEC-5.
  if (auth.cookie !== undefined && !authByCookie)
    throw new UsageError(
      'auth.cookie needs authByCookie: true, which refuses options that would let other sites in',
    );
}

/** What authentication has to be told, and what it lets rules of channels say. */
export const authOptions = {
  sections: { 'Who may use the server': rows },
  ruleRows,
  rulesService: true,
  refuse,
} as const;
