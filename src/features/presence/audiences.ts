import { adopt } from '../../lib/maybe-promise.ts';
import { shown } from '../../lib/shown.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { PresentUser } from '../../ports/directory.ts';
import type { ServedSession } from '../../ports/feature.ts';
import { overLimit } from '../../protocol/over-limit.ts';
import type { Budget } from './budget.ts';
import type { Visible } from './options.ts';
import type { Eye } from './perspective.ts';
import { Audience, type AudienceParts } from './audience.ts';
import type { View } from './view.ts';

/** Memory of one view without what it shows, and of one user that is shown to one viewer. Measured on Node 20, rounded up. Bytes. */
export const VIEW = 2500;
const SHOWN = 64;

/** The parts of the server that audiences need. */
type AudiencesParts = Omit<AudienceParts, 'isShared' | 'eyeOf'> & {
  readonly budget: Budget;
  readonly visible: 'all' | Visible;
};

/** The audiences of this node, by the name of their roster: those that a session views. */
export class Audiences {
  /** Whether everybody sees all. */
  readonly isShared: boolean;
  readonly #parts: AudiencesParts;
  readonly #audienceParts: AudienceParts;
  readonly #audiences = new Map<string, Audience>();

  constructor(parts: AudiencesParts) {
    const { visible } = parts;
    this.isShared = visible === 'all';
    this.#parts = parts;
    this.#audienceParts = {
      ...parts,
      isShared: this.isShared,
      eyeOf: (viewer, roster) => (visible === 'all' ? undefined : this.#eye(visible, viewer, roster)),
    };
  }

  /** Gives the session a fresh snapshot, and from then on every change. */
  show(session: ServedSession, roster: string, mode: 'full' | 'total'): View {
    let audience = this.#audiences.get(roster);
    if (audience === undefined) {
      audience = new Audience(roster, mode, this.#audienceParts);
      this.#audiences.set(roster, audience);
    }
    if (!audience.has(session)) this.#parts.budget.add(VIEW);
    return audience.show(session);
  }

  hide(session: ServedSession, roster: string): void {
    const audience = this.#audiences.get(roster);
    if (audience?.has(session) !== true) return;
    this.#parts.budget.add(-VIEW);
    audience.hide(session);
    if (!audience.isEmpty) return;
    audience.close();
    this.#audiences.delete(roster);
  }

  /** Tells nobody anything any more. */
  silence(): void {
    for (const audience of this.#audiences.values()) audience.silence();
  }

  #eye(visible: Visible, viewer: ServedSession, roster: string): Eye {
    return {
      sees: (user) => this.#sees(visible, viewer, user, roster),
      count: (by) => this.#count(by),
    };
  }

  // After an error, or an answer that is none, the user is hidden.
  #sees(visible: Visible, viewer: ServedSession, user: PresentUser, roster: string): boolean {
    try {
      const answer: unknown = adopt<unknown>(visible(viewer, user, roster));
      if (typeof answer === 'boolean') return answer;
      if (answer instanceof Promise) answer.catch(() => {});
      throw new UsageError(
        `presence.visible returned ${shown(answer)}: it must return true or false at once`,
      );
    } catch (error) {
      const why = 'presence.visible failed, so the user is hidden';
      this.#parts.refusals.note('presence.visible_failed', { option: 'presence.visible', why, error });
      return false;
    }
  }

  #count(by: number): boolean {
    const { budget, refusals } = this.#parts;
    const bytes = by * SHOWN;
    if (by > 0 && budget.used + bytes > budget.limit) {
      const why = overLimit('presence.maxBytes', budget.limit);
      refusals.note('presence.hidden', { option: 'presence.maxBytes', why, limit: budget.limit });
      return false;
    }
    budget.add(bytes);
    return true;
  }
}
