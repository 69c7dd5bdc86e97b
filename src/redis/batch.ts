import type { Carried } from './scripts/publish.ts';

/** What the history gave a publication. */
export interface Stored {
  readonly id: number;
  readonly at: number;
}

/** A publication that waits to be sent, or for its outcome. */
export interface Waiting {
  /** Makes what is sent, with the running number that the publication got. */
  readonly make: (number: number) => Carried;
  /** About what it takes on the way. Bytes. */
  readonly bytes: number;
  /** When it came. Infinity for one that waits as long as it takes. */
  readonly since: number;
  readonly resolve: (stored: Stored | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Publications under numbers that follow one another. They are sent together, again and again until their outcome is known. */
export class NumberedBatch {
  readonly first: number;
  readonly waiting: readonly Waiting[];
  readonly publications: readonly Carried[];
  readonly count: number;
  readonly bytes: number;
  isUnderway = false;
  /** Whether it has to be sent again. */
  isDue = false;
  /** Whether Redis may have it, or get it late from a connection that was given up. */
  mayBeSent = false;
  /** Whether its numbers are used up without publishing it. */
  isVoid = false;

  constructor(first: number, waiting: readonly Waiting[], count: number = waiting.length) {
    this.first = first;
    this.waiting = waiting;
    this.count = count;
    this.publications = waiting.map(({ make }, at) => make(first + at));
    this.bytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Numbers that are used up, with no publications. */
  static gap(first: number, count: number): NumberedBatch {
    const batch = new NumberedBatch(first, [], count);
    batch.isVoid = true;
    return batch;
  }

  get last(): number {
    return this.first + this.count - 1;
  }

  has(number: number): boolean {
    return number >= this.first && number <= this.last;
  }

  /** When its oldest publication came; Infinity if all wait as long as it takes. */
  get since(): number {
    return this.waiting.reduce((oldest, { since }) => Math.min(oldest, since), Number.POSITIVE_INFINITY);
  }
}
