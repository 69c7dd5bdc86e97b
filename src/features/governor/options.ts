import { count, group, many, ms } from '../../options/rows.ts';
import type { Given, OptionTable, Resolved } from '../../options/table.ts';
import { isRateLimiter } from './address-rate.ts';

const perSecond = (unit: string, initial: number, doc: string) => count(unit, initial, 0, many, doc);

const rows = {
  limits: group('Rates. 0 is no limit.', {
    handshakes: perSecond(
      'handshakes',
      1_000,
      'Handshakes a second of all clients. Those above it wait in a queue for up to 8 seconds, as many as 8 times this number; all others get 503.',
    ),
    handshakesPerAddress: {
      ...perSecond(
        'handshakes',
        500,
        'Handshakes a second of one IPv4 address, or one /64 of IPv6; all others get 503.',
      ),
      accepts: isRateLimiter,
      inCode: 'a limiter of rate-limiter-flexible',
      codeType: 'RateLimiter',
    },
    maxEventLoopDelay: ms(
      500,
      'Delay of the event loop above which handshakes get 503 before they are read; 0 is no limit.',
    ),
    publishes: perSecond('publishes', 0, 'Publishes a second of one session.'),
    publishesPerUser: perSecond('publishes', 0, 'Publishes a second of all sessions of one user.'),
    subscribes: perSecond(
      'patterns',
      0,
      'Patterns that one session may subscribe to or unsubscribe from in a second.',
    ),
    subscribesPerUser: perSecond('patterns', 0, 'The same for all sessions of one user.'),
    bytes: perSecond(
      'bytes',
      0,
      'Bytes a second of the messages of one session. Those above it wait for up to 8 seconds; then HTTP gets 503, and a WebSocket is closed.',
    ),
  }),
} as const satisfies OptionTable;

const ruleRate = (unit: string, doc: string) => ({ kind: 'integer', unit, min: 0, max: many, doc }) as const;

const ruleRows = {
  rate: group('Rates on these channels together. 0 is no limit.', {
    publishes: ruleRate('publishes', 'Publishes a second of all clients.'),
    publishesPerSession: ruleRate('publishes', 'Publishes a second of one session.'),
    subscribes: ruleRate(
      'patterns',
      'Patterns below this rule that all clients may subscribe to or unsubscribe from in a second.',
    ),
  }),
} as const satisfies OptionTable;

/** The options of the governor. */
export type LimitOptions = Resolved<typeof rows>['limits'];

type GivenRule = Given<typeof ruleRows>;

/** The rates of a channel rule, with the path of the rule. */
export interface RateRule {
  readonly rate?: NonNullable<GivenRule['rate']> & { readonly place: string };
}

function readRule({ rate }: GivenRule, place: string): RateRule {
  return rate === undefined ? {} : { rate: { ...rate, place } };
}

/** The options of the governor, and its fields of channel rules. */
export const limitOptions = {
  sections: { 'Names and limits': rows },
  ruleRows,
  rulesService: true,
  readRule,
} as const;
