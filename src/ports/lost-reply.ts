import type { ConnectRequest } from '../protocol/message.ts';
import type { Conduit } from './conduit.ts';

/** The last connect of a session. */
interface Before {
  readonly id: ConnectRequest['id'];
  /** The socket it came by, if any: events may have been pushed there since. */
  readonly socket: Conduit | undefined;
  answered: boolean;
}

/**
 * Tells from the connects of one session whether its client missed what was sent since the previous connect
 * (DL-13).
 *
 *     previous connect         what went wrong                        this connect
 *     over HTTP, answered      the reply was lost, or a request       is a retry: shows a loss
 *     over HTTP, unanswered    nothing was sent                       is a retry: shows no loss
 *     over a socket            the socket broke, with what was        comes by another conduit: shows a loss
 *                              pushed since
 *     any                      nothing                                comes as usual
 *
 * A connect is a retry if it repeats the previous id (Faye), or if it is alone in its batch with
 * `advice.timeout` 0 (CometD after a failure). CometD sends such a connect also as its first, before which
 * nothing was sent, and after a failed reply, which does not count as an answer. A socket may break while its
 * client has no connect to repeat: then only the other conduit shows the loss. A connect on the same socket
 * shows no loss, since what was pushed there still arrives.
 */
export class LostReply {
  #before: Before | undefined;

  /** Records a connect, and tells whether it shows that what was sent since the previous one was lost. Call once per connect. */
  isShownBy({ id, advice }: ConnectRequest, conduit: Conduit, alone: boolean): boolean {
    const before = this.#before;
    this.#before = { id, socket: conduit.shape === 'socket' ? conduit : undefined, answered: false };
    if (before === undefined) return false;
    if (before.socket !== undefined) return before.socket !== conduit;
    const isRetry = (id !== undefined && id === before.id) || (alone && advice?.timeout === 0);
    return isRetry && before.answered;
  }

  /** Records that a successful reply to the last connect is on its way. */
  answered(): void {
    if (this.#before !== undefined) this.#before.answered = true;
  }
}
