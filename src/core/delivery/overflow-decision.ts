import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { callOut } from '../../lib/callback.ts';
import type { Log } from '../../lib/log.ts';
import type { OverflowDecision } from '../callbacks.ts';
import type { Session } from '../../ports/session.ts';
import { shown } from '../../lib/shown.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { OverflowAction } from '../../ports/outbox.ts';

/** The action for an event that does not fit and has no channel rule for that (DL-10). */
export type OnOverflow = OverflowAction | ((event: OutgoingEvent, session: Session) => OverflowAction);

/** The decision of the application. Where the application gives no usable answer, the session ends. */
export function overflowDecision(decision: OverflowDecision | OverflowAction, log: Log): OnOverflow {
  if (typeof decision !== 'function') return decision;
  return (event, session) => {
    const failed = (error: unknown): void =>
      log({ level: 'error', event: 'overflow.failed', session: session.id, error });
    try {
      const answer: unknown = decision({ session, event });
      if (isAction(answer)) return answer;
      failed(unusable(answer));
      // The answer may be a promise that rejects.
      callOut(() => answer, failed);
    } catch (error) {
      failed(error);
    }
    return 'disconnect';
  };
}

function isAction(answer: unknown): answer is OverflowAction {
  return answer === 'disconnect' || answer === 'dropOldest' || answer === 'dropNewest';
}

function unusable(answer: unknown): UsageError {
  return new UsageError(
    `queueOverflow returned ${shown(answer)}: it must return "disconnect", "dropOldest" or "dropNewest", at once`,
  );
}
