import type { Timer } from './clock.ts';
import type { Core } from './context.ts';
import { andThen, recover } from './maybe-promise.ts';
import type { HandshakeAnswer } from './policy.ts';
import type { Session } from './session.ts';

/** Asks the policy again about sessions on live sockets and streams: what the upgrade's cookie proved grows old (SEC-6). */
export class Revalidation {
  readonly #core: Core;
  readonly #every: number;
  #timer: Timer;

  constructor(core: Core, every: number) {
    this.#core = core;
    this.#every = every;
    this.#timer = core.clock.after(every, this.#ask);
  }

  stop(): void {
    this.#timer.cancel();
  }

  readonly #ask = (): void => {
    for (const session of this.#core.sessions) this.#askAbout(session);
    this.#timer = this.#core.clock.after(this.#every, this.#ask);
  };

  #askAbout(session: Session): void {
    const { push, handshake } = session;
    if (push === undefined || handshake === undefined) return;
    const revoke = (): void => session.disconnect('revoked');
    void recover(
      () =>
        andThen(this.#core.judge.canHandshake(handshake, push, session), (answer) => {
          if (!isAllowed(answer)) revoke();
        }),
      (error) => {
        // An answer that cannot be had is no reason to end a session.
        this.#core.log({ level: 'error', event: 'policy.failed', session: session.id, error });
      },
    );
  }
}

function isAllowed(answer: HandshakeAnswer): boolean {
  return answer === 'busy' || answer === true || (typeof answer === 'object' && answer.allow);
}
