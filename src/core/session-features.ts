import { having } from '../lib/having.ts';
import type { SessionFeature } from '../ports/feature.ts';

/** The parts of one session in the features, with a list for each hook that every event or reply meets: most are empty. */
export class SessionFeatures {
  static readonly none = new SessionFeatures([]);

  readonly all: readonly SessionFeature[];
  readonly taking: readonly SessionFeature[];
  readonly sending: readonly SessionFeature[];
  readonly queueing: readonly SessionFeature[];
  readonly signing: readonly SessionFeature[];
  readonly repeating: readonly SessionFeature[];
  readonly handedOver: readonly SessionFeature[];

  constructor(all: readonly SessionFeature[]) {
    this.all = all;
    this.taking = having(all, 'takes');
    this.sending = having(all, 'sending');
    this.queueing = having(all, 'queueMore');
    this.signing = having(all, 'signing');
    this.repeating = having(all, 'repeated');
    this.handedOver = having(all, 'handedOver');
  }
}
