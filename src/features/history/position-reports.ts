import type { ConnectRequest, Reply } from '../../protocol/message.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Conduit } from '../../ports/conduit.ts';
import { LostReply } from '../../ports/lost-reply.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import { isDurable, type RetentionRules } from './durable.ts';
import type { Replays } from './replays.ts';
import type { History } from './history.ts';

/**
 * Tells a client with each connect reply up to where it has received everything, so that it can go on from there although what it
 * subscribes to was quiet for longer than anything is kept (RP-17). Nothing is told that may not be true: not while events wait,
 * and never again once events were lost that nothing will bring again.
 */
export class PositionReports implements SessionFeature {
  readonly #session: ServedSession;
  readonly #replays: Replays;
  readonly #rules: RetentionRules;
  readonly #history: History;
  readonly #lostReply = new LostReply();
  // Whether durable events were sent since the last connect.
  #sent = false;
  #broken = false;

  constructor(session: ServedSession, replays: Replays, rules: RetentionRules, history: History) {
    this.#session = session;
    this.#replays = replays;
    this.#rules = rules;
    this.#history = history;
  }

  /** Events are about to leave. */
  sending(events: readonly OutgoingEvent[]): void {
    this.#sent ||= events.some(({ replayId }) => replayId !== undefined);
  }

  /** An event was lost that nothing will bring again. */
  lost({ replayId }: OutgoingEvent): void {
    if (replayId !== undefined) this.#broken = true;
  }

  /** A connect came, which may show that what was sent before it was lost. */
  connecting(request: ConnectRequest, conduit: Conduit, alone: boolean): void {
    const isLost = this.#lostReply.isShownBy(request, conduit, alone);
    if (isLost && this.#sent && this.#session.outbox.repeats !== true) this.#broken = true;
    this.#sent = false;
  }

  /** A connect reply as it leaves; `isAll` says whether nothing waits behind it, nor is on its way by another conduit. */
  signing(reply: Reply, isAll: boolean): Reply {
    if (reply.channel !== '/meta/connect') return reply;
    this.#lostReply.answered();
    const { push, subscriptions } = this.#session;
    if (this.#broken || !isAll || !this.#replays.isEmpty || push?.shape === 'stream') return reply;
    const durable = [...subscriptions].filter((pattern) => isDurable(pattern, this.#rules));
    const id = this.#history.deliveredThrough;
    if (durable.length === 0 || id === 0) return reply;
    const replay = Object.fromEntries(durable.map((pattern) => [pattern, id]));
    return { ...reply, ext: { ...reply.ext, replay } };
  }
}
