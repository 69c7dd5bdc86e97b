import type { ChannelGrammar } from '../../protocol/channel.ts';
import { warnOfWeakKey } from './key-guard.ts';
import { type ApiKey, KeyRing } from './key-ring.ts';
import type { Server } from '../options.ts';

/** The keys in the options of the API. */
interface KeySettings {
  readonly key?: string | undefined;
  readonly keys?: readonly ApiKey[] | (() => readonly ApiKey[]) | undefined;
}

/** The current keys. A new list that is not usable is logged, and the old keys stay. */
export class LiveKeys {
  readonly #source: () => readonly ApiKey[];
  readonly #single: readonly ApiKey[];
  readonly #server: Pick<Server, 'log'>;
  readonly #grammar: ChannelGrammar;
  #list: readonly ApiKey[];
  #ring: KeyRing;

  /** Throws `UsageError` for keys that are not usable. */
  constructor({ key, keys = [] }: KeySettings, server: Pick<Server, 'log'>, grammar: ChannelGrammar) {
    this.#source = typeof keys === 'function' ? keys : () => keys;
    this.#single = key === undefined || key === '' ? [] : [{ name: 'default', key, rights: ['admin'] }];
    this.#server = server;
    this.#grammar = grammar;
    this.#list = this.#source();
    this.#ring = this.#made(this.#list);
  }

  get ring(): KeyRing {
    const list = this.#source();
    if (list === this.#list) return this.#ring;
    this.#list = list;
    try {
      this.#ring = this.#made(list);
    } catch (error) {
      this.#server.log({ level: 'error', event: 'api.keys_failed', error });
    }
    return this.#ring;
  }

  #made(list: readonly ApiKey[]): KeyRing {
    const all = [...this.#single, ...list];
    const ring = new KeyRing(all, this.#grammar);
    for (const { name, key } of all) if (key !== undefined) warnOfWeakKey(name, key, this.#server);
    return ring;
  }
}
