import type { ServedSession } from '../../ports/feature.ts';
import type { GapsByChannel } from '../../ports/gap.ts';
import { LostReply } from '../../ports/lost-reply.ts';
import type { Outbox, Pushed } from '../../ports/outbox.ts';
import { Repeat } from '../../ports/repeat.ts';
import type { Reply } from '../../protocol/message.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import { SentEvents, type SentLimits } from './sent-events.ts';

/**
 * Sends events again when a connect shows that they were lost (DL-13).
 *
 *     a b c          │ d' e'   │ f g
 *     sent, may be   │ to be   │ never sent: a plain outbox
 *     lost           │ repeated
 *
 * take() continues at d'. A connect that shows the loss makes the repeats a' b' c' d' e'. Any other connect drops a b c: the
 * events sent before the last connect reply. The limits of DL-10 apply separately to sent and repeated events: past them,
 * the oldest sent events can no longer be repeated. Events that were never sent are not dropped for them.
 *
 * Events sent on an event stream are not kept: they cannot be lost with a reply. A stream does not wait for the connect that
 * shows a loss, so repeats may come after newer events there.
 */
export class ResendOutbox implements Outbox {
  /** Ask it about every connect. */
  readonly lostReply = new LostReply();
  readonly #sent: SentEvents;
  readonly #fresh: Outbox;
  readonly #session: Pick<ServedSession, 'push'>;
  #repeats: Repeat[] = [];
  // Gaps that replies since the last connect have reported.
  #reported: GapsByChannel[] = [];

  /** `fresh` holds events that were never sent. */
  constructor(fresh: Outbox, limits: SentLimits, session: Pick<ServedSession, 'push'>) {
    this.#sent = new SentEvents(limits);
    this.#fresh = fresh;
    this.#session = session;
  }

  missed(): void {
    this.#fresh.missed();
  }

  reserve(events: number, bytes: number): void {
    this.#fresh.reserve(events, bytes);
  }

  get size(): number {
    return this.#repeats.length + this.#fresh.size;
  }

  get bytes(): number {
    return this.#repeats.reduce((sum, { bytes }) => sum + bytes, this.#fresh.bytes);
  }

  get all(): readonly OutgoingEvent[] {
    const repeats = this.#repeats.flatMap((repeat) => [repeat, repeat.original]);
    return [...this.#sent.all, ...repeats, ...this.#fresh.all];
  }

  get urgent(): number {
    return this.#repeats.length + this.#fresh.urgent;
  }

  get kept(): number {
    return this.#sent.size + this.size;
  }

  get repeats(): boolean {
    return this.#sent.isWhole;
  }

  push(event: OutgoingEvent): Pushed {
    return this.#fresh.push(event);
  }

  removeVolatile(): readonly OutgoingEvent[] {
    return this.#fresh.removeVolatile();
  }

  take(maxBytes: number, maxCount: number, least: 0 | 1 = 1): readonly OutgoingEvent[] {
    const again = this.#again(maxBytes, maxCount, least);
    if (this.#repeats.length > 0) return again;
    const left = again.reduce((bytes, event) => bytes - event.bytes - 1, maxBytes);
    const fresh = this.#fresh.take(left, maxCount - again.length, again.length === 0 ? least : 0);
    this.#keep(fresh);
    return again.length === 0 ? fresh : [...again, ...fresh];
  }

  /** A repeat stays a repeat. Skips events that a connect has already queued as repeats. */
  putBack(events: readonly OutgoingEvent[], mayHaveArrived = false): void {
    this.#sent.remove(new Set(events));
    const waiting = new Set(this.#repeats.flatMap((repeat) => [repeat, repeat.original]));
    const back = events.filter((event) => !waiting.has(event));
    const again = mayHaveArrived ? back.map(Repeat.of) : back.filter((event) => event instanceof Repeat);
    this.#repeats.unshift(...again);
    if (!mayHaveArrived) this.#fresh.putBack(back.filter((event) => !(event instanceof Repeat)));
  }

  get hasGaps(): boolean {
    return this.#repeats.length === 0 && this.#fresh.hasGaps;
  }

  takeGaps(maxBytes: number): GapsByChannel {
    const gaps = this.#fresh.takeGaps(maxBytes);
    this.#reported.push(gaps);
    return gaps;
  }

  /** Does nothing when a connect has already shown whether the reply arrived. */
  putBackGaps(gaps: GapsByChannel): void {
    const at = this.#reported.indexOf(gaps);
    if (at !== -1) this.#reportAgain(this.#reported.splice(at, 1));
  }

  /** A connect shows that the last reply has arrived: so have the events sent before it. */
  confirm(): void {
    this.#sent.confirm();
    this.#reported = [];
  }

  /** A connect shows that the last reply was lost. Events sent since then may be lost too. */
  repeat(): void {
    const lost = this.#sent.takeAll();
    this.#repeats.unshift(...lost.map(Repeat.of));
    this.#reportAgain(this.#reported.splice(0));
  }

  sign(reply: Reply): Reply {
    this.#sent.reply();
    this.lostReply.answered();
    return reply;
  }

  #again(maxBytes: number, maxCount: number, least: 0 | 1): OutgoingEvent[] {
    let bytes = 0;
    let count = 0;
    for (const repeat of this.#repeats) {
      bytes += repeat.bytes + 1;
      if (count >= maxCount || (count >= least && bytes > maxBytes)) break;
      count += 1;
    }
    const again = this.#repeats.splice(0, count);
    this.#keep(again);
    return again;
  }

  #keep(sent: readonly OutgoingEvent[]): void {
    if (this.#session.push?.shape !== 'stream') this.#sent.add(sent);
  }

  #reportAgain(reported: readonly GapsByChannel[]): void {
    for (const gaps of reported) this.#fresh.putBackGaps(gaps);
  }
}
