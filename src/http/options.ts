import type { Server as CoreServer } from '../core/server.ts';
import { UsageError } from '../lib/usage-error.ts';
import { count, group, many, toggle, token } from '../options/rows.ts';
import type { OptionTable, Resolved } from '../options/table.ts';
import type { TransportOptions } from '../transports/options.ts';

/** Says whether a page of this origin (`https://example.com`) may use the server. */
export type OriginPredicate = (origin: string) => boolean;

const isOriginMatcher = (value: unknown): value is RegExp | OriginPredicate =>
  value instanceof RegExp || typeof value === 'function';

const access = {
  origins: {
    kind: 'list',
    words: ['same', '*'],
    accepts: isOriginMatcher,
    codeType: 'RegExp | OriginPredicate',
    default: 'same',
    what: 'origins like https://example.com',
    pattern: /^(null|[A-Za-z][A-Za-z\d+.-]*:\/\/[^\s/?#]+)$/,
    inCode: 'a RegExp or a function',
    doc: 'Origins whose pages may use the server: its own (`same`), any (`*`), or those listed.',
  },
  authByCookie: toggle(
    false,
    'Turn it on if the policy trusts cookies. The server then refuses options that would let other sites in.',
  ),
  cors: group('Answers to cross-origin preflights.', {
    maxAge: count('seconds', 86_400, 0, many, 'How long a browser may cache the answer to a preflight.'),
    headers: {
      kind: 'list',
      ...token,
      what: 'header names',
      default: ['Accept', 'Authorization', 'Content-Type', 'Pragma', 'X-Requested-With'],
      doc: 'Request headers allowed, besides those that a preflight names.',
    },
  }),
} as const satisfies OptionTable;

type Access = Resolved<typeof access>;

/** The options that the HTTP layer reads. */
interface HttpOptions extends TransportOptions, Access {
  readonly origins: Access['origins'];
}

/** A server as the HTTP layer knows it. */
export type Server = CoreServer<HttpOptions>;

/** The options of the HTTP layer. */
export const httpOptions = {
  sections: { 'Who may use the server': access },
  refuse: refuseCookiesForStrangers,
} as const;

/** SEC-5: with JSONP, any page can read what its visitor may read. */
function refuseCookiesForStrangers({
  authByCookie,
  origins,
  transports,
}: Access & Pick<TransportOptions, 'transports'>): void {
  if (!authByCookie || origins === 'same' || !transports.includes('callback-polling')) return;
  throw new UsageError(
    'authByCookie with callback-polling lets other sites read as their visitor: set origins to "same" or take "callback-polling" out of transports',
  );
}
