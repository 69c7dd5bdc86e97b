import type { ConnectRequest, Reply } from '../../protocol/message.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Conduit } from '../../ports/conduit.ts';
import { LostReply } from '../../ports/lost-reply.ts';
import type { ServedSession, SessionFeature } from '../../ports/feature.ts';
import { isDurable, type RetentionRules } from './durable.ts';
import type { Replays } from './replays.ts';
import type { History } from './history.ts';

/**
 * Reports in each connect reply up to which id the client has received everything. The client can later resume from that id,
 * even if its channels were silent for longer than events are kept (RP-17). There is no report while events wait, and never
 * again once events were lost that are not sent again.
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

  sending(events: readonly OutgoingEvent[]): void {
    this.#sent ||= events.some(({ replayId }) => replayId !== undefined);
  }

  lost({ replayId }: OutgoingEvent): void {
    if (replayId !== undefined) this.#broken = true;
  }

  missed(): void {
    this.#broken = true;
  }

  /** The connect may show that events sent before it were lost. */
  connecting(request: ConnectRequest, conduit: Conduit, alone: boolean): void {
    const isLost = this.#lostReply.isShownBy(request, conduit, alone);
    if (isLost && this.#sent && this.#session.outbox.repeats !== true) this.#broken = true;
    this.#sent = false;
  }

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
