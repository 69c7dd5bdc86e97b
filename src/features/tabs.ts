import type { Conduit } from '../ports/conduit.ts';
import { count, many, ms } from '../options/rows.ts';
import type { OptionTable } from '../options/table.ts';
import type { Feature, FeatureHook, FeatureModule, HoldRefusal, SessionFeature } from '../ports/feature.ts';
import { errors } from '../protocol/errors.ts';

/** Limits on the connects held for one browser. A negative number is no limit. */
export interface TabOptions {
  readonly maxSessionsPerBrowser: number;
  readonly http2MaxSessionsPerBrowser: number;
  /** Polling interval of surplus tabs. Milliseconds; 0 makes their connects fail. */
  readonly multiSessionInterval: number;
}

const rows = {
  maxSessionsPerBrowser: count(
    'sessions',
    1,
    -1,
    many,
    'Polls held for one browser over HTTP/1.1; -1 is no limit, 0 holds none.',
  ),
  http2MaxSessionsPerBrowser: count('sessions', -1, -1, many, 'The same over HTTP/2.'),
  multiSessionInterval: ms(2_000, 'Polling interval of a browser’s surplus tabs; 0 refuses them.'),
} as const satisfies OptionTable;

/** Counts the connects held for each browser, so that many tabs do not use all connections of the browser (CK-4). */
export class Tabs implements Feature {
  readonly name = 'tabs';
  readonly #options: TabOptions;
  readonly #held = new Map<string, number>();

  constructor(options: TabOptions) {
    this.#options = options;
  }

  /** Browsers with a held connect. */
  get size(): number {
    return this.#held.size;
  }

  readonly attach: FeatureHook<'attach'> = ({ browser }) =>
    browser === undefined ? [] : [new Tab(this, browser)];

  readonly measuring: FeatureHook<'measuring'> = () => ({ browsers: this.size });

  /** Counts a held connect, or refuses it at the limit. */
  hold(browser: string, { http2 }: Conduit): HoldRefusal | undefined {
    const { maxSessionsPerBrowser, http2MaxSessionsPerBrowser } = this.#options;
    const limit = http2 ? http2MaxSessionsPerBrowser : maxSessionsPerBrowser;
    const held = this.#held.get(browser) ?? 0;
    if (limit >= 0 && held >= limit) return this.#refusal();
    this.#held.set(browser, held + 1);
    return undefined;
  }

  /** Counts one held connect less. */
  free(browser: string): void {
    const held = this.#held.get(browser) ?? 0;
    if (held > 1) this.#held.set(browser, held - 1);
    else this.#held.delete(browser);
  }

  // CN-12: a surplus tab polls, or its connect fails.
  #refusal(): HoldRefusal {
    const { multiSessionInterval: interval } = this.#options;
    if (interval > 0) return { advice: { interval, 'multiple-clients': true } };
    return { error: errors.tooManyTabs(), advice: { 'multiple-clients': true } };
  }
}

/** One session of a browser. Only polling counts, since it keeps a connection of the browser busy. */
class Tab implements SessionFeature {
  readonly #tabs: Tabs;
  readonly #browser: string;
  #isCounted = false;

  constructor(tabs: Tabs, browser: string) {
    this.#tabs = tabs;
    this.#browser = browser;
  }

  holding(conduit: Conduit): HoldRefusal | undefined {
    if (conduit.shape !== 'exchange') return undefined;
    const refusal = this.#tabs.hold(this.#browser, conduit);
    this.#isCounted = refusal === undefined;
    return refusal;
  }

  released(): void {
    if (this.#isCounted) this.#tabs.free(this.#browser);
    this.#isCounted = false;
  }
}

export const tabsModule = {
  sections: { 'Browsers and tabs': rows },
  make: ({ options }: { readonly options: TabOptions }) => new Tabs(options),
} as const satisfies FeatureModule;
