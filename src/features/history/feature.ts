import type { Clock } from '../../lib/clock.ts';
import { andThen } from '../../lib/maybe-promise.ts';
import type { Log } from '../../lib/log.ts';
import type {
  Feature,
  FeatureHook,
  FeatureHost,
  FeatureModule,
  Records,
  ServedSession,
  SubscribeAddition,
} from '../../ports/feature.ts';
import type { HistoryPage, HistoryQuery } from '../../ports/history-page.ts';
import type { HistoryStore, Retention } from '../../ports/history-store.ts';
import { isDurable, type RetentionRules } from './durable.ts';
import { History, type HistoryParts } from './history.ts';
import { pageOf } from './history-page.ts';
import { MemoryHistory } from './memory-history.ts';
import { historyOptions } from './options.ts';
import { PositionReports } from './position-reports.ts';
import { type ReplayRequest, replaysOf } from './replay-request.ts';
import { Replays } from './replays.ts';
import type { Inject } from './with-replay.ts';

/** The parts of the server that history uses. */
type HistoryFeatureParts = {
  readonly store: HistoryStore;
  readonly rules: RetentionRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly maxSubscriptions: number;
  readonly replay: Retention & {
    readonly inject: Inject;
    readonly maxReplays: number;
    readonly onGap: 'fail' | 'earliest';
  };
};

/** Stores the events of durable channels, and replays them to clients that missed some (RP-1 to RP-17). */
export class HistoryFeature implements Feature {
  readonly name = 'history';
  readonly kinds = ['handshake'] as const;
  readonly #history: History;
  readonly #parts: HistoryFeatureParts;
  #host: FeatureHost | undefined;
  readonly #replays = new WeakMap<ServedSession, Replays>();

  constructor(parts: HistoryFeatureParts) {
    const { store, replay, rules, clock, log } = parts;
    this.#parts = parts;
    this.#history = new History(store, { options: replay, rules, clock, log });
  }

  readonly start = (host: FeatureHost): void => {
    this.#host = host;
  };

  readonly measuring: FeatureHook<'measuring'> = () => ({ ...this.#parts.store.usage });

  readonly open = (): Promise<void> => this.#history.open();

  readonly close = (): Promise<void> => this.#history.close();

  get records(): Records {
    return this.#history.records;
  }

  /** A page of the history of a durable channel, or of those that a pattern matches; undefined if none is durable. */
  async page(pattern: string, query: HistoryQuery): Promise<HistoryPage | undefined> {
    return isDurable(pattern, this.#parts.rules) ? pageOf(this.#history, pattern, query) : undefined;
  }

  // RP-1: clients look for this field; some work only if it is there.
  readonly outgoing: FeatureHook<'outgoing'> = (reply) =>
    reply.successful ? { ...reply, ext: { replay: true, ...reply.ext } } : reply;

  readonly accepting: FeatureHook<'accepting'> = (event, handling, next) =>
    this.#parts.rules.of(event.channel).history ? this.#history.record(event, handling, next) : undefined;

  readonly arriving: FeatureHook<'arriving'> = ({ replayId }) => {
    if (replayId !== undefined) this.#history.delivering(replayId);
  };

  readonly resuming: FeatureHook<'resuming'> = (pattern, after) => ({ replay: { [pattern]: after } });

  readonly subscribing: FeatureHook<'subscribing'> = (request, patterns, session) => {
    if (request.ext?.replay === undefined) return undefined;
    const replays = this.#replays.get(session);
    if (replays === undefined) return undefined;
    const permits = (pattern: string) => this.#host?.permits('history', pattern, session, request) ?? true;
    const source = { history: this.#history, rules: this.#parts.rules, options: this.#parts.replay, permits };
    return andThen(
      replaysOf(request, patterns, source, replays.underWay),
      (asked) => () => (asked.length === 0 ? undefined : this.#begin(asked, replays)),
    );
  };

  readonly attach: FeatureHook<'attach'> = (session, request) => {
    const { clock, log, maxSubscriptions, rules } = this.#parts;
    const replays = new Replays(session, { history: this.#history, clock, log, maxSubscriptions });
    this.#replays.set(session, replays);
    if (request.ext?.replayTighten !== true) return [replays];
    // RP-17: the server knows only of connect replies whether they arrived, so all events must travel with them.
    session.deliverOnly = true;
    return [replays, new PositionReports(session, replays, rules, this.#history)];
  };

  // RP-9: the reply is written before any event is read. RP-17: the `ext` of the reply.
  #begin(asked: readonly ReplayRequest[], replays: Replays): SubscribeAddition {
    const newest = this.#history.knownThrough;
    const starts: (() => void)[] = [];
    const answers = asked.map(({ pattern, start, ...rest }) => {
      if (start !== undefined) {
        const prepared = replays.prepare(pattern, start);
        starts.push(() => replays.start(prepared));
      }
      return [pattern, { ...rest, newest }];
    });
    const afterwards = () => {
      for (const start of starts) start();
    };
    return { ext: { replay: Object.fromEntries(answers) }, afterwards };
  }
}

/** Without a durable channel there is nothing to do for sessions. */
function recordsAlone(store: HistoryStore, parts: HistoryParts): Feature {
  const history = new History(store, parts);
  return {
    name: 'history',
    records: history.records,
    open: () => history.open(),
    close: () => history.close(),
  };
}

type ServerParts = Pick<HistoryFeatureParts, 'rules' | 'clock' | 'log'> & {
  readonly options: Pick<HistoryFeatureParts, 'replay' | 'maxSubscriptions'>;
  /** The store of events; in memory if absent. */
  readonly history?: HistoryStore | undefined;
};

export const historyModule = {
  ...historyOptions,
  make({ options, history: store = new MemoryHistory(), ...parts }: ServerParts): Feature | undefined {
    const rules = Object.values(parts.rules.byPattern);
    const { replay, maxSubscriptions } = options;
    if (!rules.some(({ history }) => history))
      return rules.some(({ records }) => records)
        ? recordsAlone(store, { ...parts, options: replay })
        : undefined;
    return new HistoryFeature({ ...parts, store, replay, maxSubscriptions });
  },
} as const satisfies FeatureModule;
