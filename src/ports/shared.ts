/**
 * What the nodes of a cluster keep together, besides events. Each call rejects with `EngineUnavailable` when the store cannot be reached in
 * time.
 */
export interface Shared {
  /**
   * Limits uses of a bucket over all nodes: `rate` a second on average, `capacity` at once. Resolves with 0 and takes a token, or takes
   * none and resolves with the time until there will be one. Milliseconds. Rejects at once while the store is away: whoever asks
   * has a limit of its own for that time.
   */
  take(bucket: string, rate: number, capacity: number): Promise<number>;
  readonly answers: SharedAnswers;
  /** A list of marks. Called once for each name, before the engine is opened. */
  marks(name: string, side: MarksSide): SharedMarks;
}

/** How far work under a key is. `running`: another request carries it out. `done`: with this answer. */
export type Begun =
  | { readonly is: 'begun' }
  | { readonly is: 'running' }
  | { readonly is: 'done'; readonly answer: string };

/** Answers that are kept by key, so that work that is asked for again is carried out once. */
export interface SharedAnswers {
  /**
   * Claims a key for `ms` milliseconds; again with the same `claim` for so long from now. A claim ends early when its node is gone.
   */
  begin(key: string, claim: string, ms: number): Promise<Begun>;
  /** Keeps the answer, and ends the claim. The first answer of a key stays. */
  finish(key: string, claim: string, answer: string, limits: AnswerLimits): Promise<void>;
  /** The work had no effect: the key is free again, or as soon as the store can be reached. Does not reject. */
  abandon(key: string, claim: string): Promise<void>;
}

/** How long an answer is kept, and the memory of all of them: past it the oldest are forgotten. */
export interface AnswerLimits {
  /** Milliseconds. */
  readonly maxAge: number;
  /** Bytes. */
  readonly maxBytes: number;
}

/** An id that all nodes know of until a time. */
export interface Mark {
  readonly id: string;
  /** What is known of the id: of two marks with one id the later one counts. Milliseconds since the epoch. */
  readonly at: number;
  /** When the mark ends; of two marks with one id the later time counts. Milliseconds since the epoch; `Infinity` for never. */
  readonly until: number;
}

/** What marks need of the node. */
export interface MarksSide {
  /** Most marks, and most bytes by the estimate of `MARK_BYTES` and the id. */
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** A mark of any node; the same one may come again. Does not throw. */
  heard(mark: Mark): void;
  /** The marks that this node knows: they are added again where the store has lost some. */
  known(): Iterable<Mark>;
}

/** Memory of a mark besides its id, of which each character counts two bytes. */
export const MARK_BYTES = 192;

/** A list of marks that every node has. */
export interface SharedMarks {
  /** Resolves when every mark there was at the start has come to `heard`. Rejects when the engine cannot be opened. */
  readonly opened: Promise<void>;
  /**
   * Adds a mark. Other nodes hear of it within two seconds; those that are away, when they are back. Resolves with the limit that
   * leaves no room for it, if one does. When it rejects, the mark is added later, from what `known` has then.
   */
  add(mark: Mark): Promise<keyof Pick<MarksSide, 'maxEntries' | 'maxBytes'> | undefined>;
}
