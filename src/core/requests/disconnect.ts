import type { Context } from '../context.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { ReplyFields } from '../../protocol/message.ts';
import type { Session } from '../session.ts';

/** Ends the session. The held connect is answered first: cometd.js closes its socket only when none is outstanding (DC-2). */
export function disconnect(session: Session, { core, conduit }: Context): MaybePromise<ReplyFields> {
  const stop = core.advisor.advise('none', session.timing(conduit.transport));
  return andThen(session.release(stop), () => {
    session.leave(stop);
    return { successful: true };
  });
}
