import type { EngineState } from '../ports/engine.ts';
import type { BoundUse } from './load.ts';

/** The states of a server, in their order. */
export type ServerState = 'open' | 'draining' | 'closed';

/** Whether new clients should come to a server, and if not, why: in a word for programs, and in words for people. */
export type Readiness = { readonly ready: true } | NotReady;

/** Why new clients should not come. */
interface NotReady {
  readonly ready: false;
  readonly reason: 'starting' | 'failed' | 'away' | 'draining' | 'closed' | 'full';
  readonly why: string;
}

/** How far the opening of the engine and the features is. */
export type Opening = 'under way' | 'done' | 'failed';

/** Share of a bound of memory above which the server counts as full: by then large requests are refused. */
const FULL = 0.95;

const words = {
  starting: 'the engine or a feature is not open yet',
  failed: 'the engine or a feature could not be opened, or has given up; the log says why',
  away: 'the engine is away: it cannot reach the other nodes',
  draining: 'the server sends its clients to other servers, and will close',
  closed: 'the server is closed',
} as const;

/** The state of a server as readiness sees it. */
export interface ReadinessParts {
  readonly state: ServerState;
  readonly opening: Opening;
  readonly engine: EngineState;
  /** Uses of what bounds new clients, by option. */
  readonly bounds: Readonly<Record<string, BoundUse>>;
  readonly sessions: BoundUse;
}

export function readinessOf({ state, opening, engine, bounds, sessions }: ReadinessParts): Readiness {
  if (state !== 'open') return not(state);
  if (opening !== 'done') return not(opening === 'failed' ? 'failed' : 'starting');
  if (engine !== 'open') return not(engine === 'away' ? 'away' : 'failed');
  const full =
    sessions.used >= sessions.limit
      ? 'maxSessions'
      : Object.keys(bounds).find((option) => isFull(bounds[option]));
  if (full === undefined) return { ready: true };
  return { ready: false, reason: 'full', why: `what "${full}" allows is used up` };
}

function isFull(use: BoundUse | undefined): boolean {
  return use !== undefined && use.used >= FULL * use.limit;
}

function not(reason: keyof typeof words): NotReady {
  return { ready: false, reason, why: words[reason] };
}
