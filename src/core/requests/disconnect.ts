import type { DisconnectRequest } from '../../protocol/message.ts';
import type { Context } from '../context.ts';
import { andThen, type MaybePromise } from '../maybe-promise.ts';
import type { ReplyFields } from '../replies.ts';
import type { Session } from '../session.ts';

/** Ends the session. The held connect is answered first: cometd.js closes its socket only when none is outstanding (DC-2). */
export function disconnect(
  request: DisconnectRequest,
  session: Session,
  context: Context,
): MaybePromise<ReplyFields> {
  const { core, conduit } = context;
  const stop = core.advisor.advise('none', session.timing(conduit.transport));
  return andThen(session.release(stop), () => {
    // Another one came while an extension thought about the first.
    if (session.state === 'held') return disconnect(request, session, context);
    session.close('disconnect');
    return { successful: true };
  });
}
