import type { PeerHandler } from '../ports/peers.ts';

/** Counts requests of clients since the start: `out` were carried out by other nodes, `in` for them. */
export class Forwarded {
  out = 0;
  in = 0;

  /** Counts what other nodes have this one carry out. */
  counting(handler: PeerHandler): PeerHandler {
    return {
      receive: (batch, conduit) => {
        this.in += 1;
        return handler.receive(batch, conduit);
      },
      join: (clientId, conduit) => {
        this.in += 1;
        return handler.join(clientId, conduit);
      },
      lost: (conduit) => handler.lost(conduit),
      answer: (question) => handler.answer(question),
    };
  }
}
