import { silent } from '../../src/lib/log.ts';
import type { NodeSide } from '../../src/ports/engine.ts';
import type { PeerHandler } from '../../src/ports/peers.ts';

/** What an engine calls on its server: nothing happens, but for what is given. */
export const nodeSide = (given: Partial<NodeSide> = {}): NodeSide => ({
  timeout: 5000,
  deliver() {},
  missed() {},
  state() {},
  warn() {},
  log: silent,
  refusals: { note() {} },
  ...given,
});

/** What other nodes use of a server: nothing is carried out, but for what is given. */
export const peerHandler = (given: Partial<PeerHandler> = {}): PeerHandler => ({
  answer: () => undefined,
  receive: (_batch, conduit) => conduit.end('failed'),
  join: () => false,
  lost() {},
  ...given,
});
