import type { ConnectRequest } from '../protocol/message.ts';
import type { Conduit } from './conduit.ts';

/** The connect of one session that came last. */
interface Before {
  readonly id: ConnectRequest['id'];
  /** The socket it came by, if it was one: other events may have been pushed there since. */
  readonly socket: Conduit | undefined;
  answered: boolean;
}

/**
 * Judges by the connects of one session, each as it comes, whether its client missed what was sent since the one before (DL-13).
 *
 *     the connect before       what went wrong                        this connect
 *     over HTTP, answered      the reply was lost, or a request       comes again: shows it
 *     over HTTP, unanswered    nothing was sent                       comes again: nothing to show
 *     over a socket            the socket broke, with what was        comes by another way: shows it
 *                              pushed since
 *     any                      nothing                                comes as usual
 *
 * To come again is to bear the id of the connect before, as Faye's client does, or to be alone in its batch and to ask with
 * `advice.timeout` 0 for an answer at once, as CometD's does after a failure. CometD's very first connect asks for the same, and
 * so does the one after a failed reply: before the first nothing was sent, and the other follows a connect that does not count
 * as answered. A socket may break where its client has no connect to send again: then the next one shows it by nothing but its
 * way. By the same socket nothing is shown, since what was pushed there still arrives.
 */
export class LostReply {
  #before: Before | undefined;

  /** Notes a connect, and tells whether it shows that what was sent since the one before did not arrive. Call it once for each. */
  isShownBy({ id, advice }: ConnectRequest, conduit: Conduit, alone: boolean): boolean {
    const before = this.#before;
    this.#before = { id, socket: conduit.shape === 'socket' ? conduit : undefined, answered: false };
    if (before === undefined) return false;
    if (before.socket !== undefined) return before.socket !== conduit;
    const isAgain = (id !== undefined && id === before.id) || (alone && advice?.timeout === 0);
    return isAgain && before.answered;
  }

  /** Notes that a successful reply to the connect that came last is on its way. */
  answered(): void {
    if (this.#before !== undefined) this.#before.answered = true;
  }
}
