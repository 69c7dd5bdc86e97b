import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { callOut } from '../../lib/callback.ts';
import type { Log } from '../../lib/log.ts';
import type { OverflowDecision } from '../callbacks.ts';
import type { Session } from '../../ports/session.ts';
import { shown } from '../../lib/shown.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { OverflowAction } from '../../ports/outbox.ts';

/** Asks the application what happens to an event that does not fit. Without an answer that can be used the session ends. */
export function overflowDecision(decision: OverflowDecision | OverflowAction, log: Log) {
  return (event: OutgoingEvent, session: Session): OverflowAction => {
    if (typeof decision !== 'function') return decision;
    const failed = (error: unknown): void =>
      log({ level: 'error', event: 'overflow.failed', session: session.id, error });
    try {
      const answer: unknown = decision({ session, event });
      if (isAction(answer)) return answer;
      failed(unusable(answer));
      // It may be a promise that rejects.
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
