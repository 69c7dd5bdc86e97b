import type { Kind } from './frames.ts';

/** Carries frames between this node and another one, in order and each once, until it ends. */
export interface Pipe {
  /** The name of the other node. */
  readonly peer: string;
  readonly isOpen: boolean;
  /** Whether so much is unsent that events should wait. */
  readonly isFull: boolean;
  /** Sends a frame at the end of this turn, together with the others. */
  send(kind: Kind, id: number, head?: string, body?: string): void;
  /** Whether a frame can carry this batch. If not, that is logged. */
  fits(batch: string): boolean;
}
