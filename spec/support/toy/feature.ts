import { toggle } from '../../../src/options/rows.ts';
import type { Given, OptionTable } from '../../../src/options/table.ts';
import type { OutgoingEvent } from '../../../src/ports/outgoing-event.ts';
import type { Feature, FeatureModule, SessionFeature } from '../../../src/ports/feature.ts';
import type { Reply } from '../../../src/protocol/message.ts';

const ruleRows = {
  loud: { kind: 'word', words: ['once', 'twice'], doc: 'How often an event of these channels counts.' },
} as const satisfies OptionTable;

interface ToyRule {
  readonly weight?: number;
}

interface Rules {
  of(channel: string): ToyRule;
}

/** Tells each client, with its connect replies, how many loud events it was sent, and answers publishes to `/service/weight`. */
function toy(rules: Rules): Feature {
  return {
    name: 'toy',
    attach: () => [new Counted(rules)],
    answering: ({ channel, data }) =>
      channel === '/service/weight'
        ? () => ({ successful: true, ext: { weight: rules.of(String(data)).weight ?? 0 } })
        : undefined,
  };
}

class Counted implements SessionFeature {
  readonly #rules: Rules;
  #count = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  sending(events: readonly OutgoingEvent[]): void {
    for (const { channel } of events) this.#count += this.#rules.of(channel).weight ?? 0;
  }

  signing(reply: Reply): Reply {
    return { ...reply, ext: { ...reply.ext, loud: this.#count } };
  }
}

export const toyModule = {
  sections: { Toys: { toy: toggle(false, 'Tell clients how many loud events they were sent.') } },
  ruleRows,
  readRule: ({ loud }: Given<typeof ruleRows>): ToyRule =>
    loud === undefined ? {} : { weight: loud === 'twice' ? 2 : 1 },
  make: ({ options, rules }: { readonly options: { readonly toy: boolean }; readonly rules: Rules }) =>
    options.toy ? toy(rules) : undefined,
} as const satisfies FeatureModule;
