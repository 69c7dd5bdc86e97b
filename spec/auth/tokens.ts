import { SignJWT } from 'jose';
import type { LogEvent } from '../../src/lib/log.ts';
import type { Server, ServerSettings } from '../../src/server.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import type { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, type Wire } from '../support/fake-conduit.ts';

export const secret = 'a secret of at least thirty-two bytes';

/** A server that authenticates by a secret, and what makes tokens for it. */
export interface Guarded {
  readonly server: Server;
  readonly clock: FakeClock;
  readonly lines: LogEvent[];
  /** A token that lives 600 s from now. */
  token(claims?: Record<string, unknown>): Promise<string>;
  /** A session with a token of these claims. */
  open(claims?: Record<string, unknown>, conduit?: FakeConduit): Promise<FakeClient>;
  /** The reply to a handshake. */
  shake(fields?: Wire, conduit?: FakeConduit): Promise<Wire>;
}

export function guarded({ auth, ...settings }: ServerSettings = {}): Guarded {
  const lines: LogEvent[] = [];
  const { server, clock } = serve({
    log: (line) => void lines.push(line),
    auth: { secret, ...auth },
    ...settings,
  });
  const token = (claims: Record<string, unknown> = {}) => {
    const now = Math.floor(clock.now() / 1000);
    return new SignJWT({ sub: 'ann', iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(secret));
  };
  return {
    ...{ server, clock, lines, token },
    open: async (claims, conduit) =>
      FakeClient.connected(server, conduit, { ext: { auth: { token: await token(claims) } } }),
    shake: async (fields = {}, conduit = exchange()) => (await ask(server, handshake(fields), conduit)).reply,
  };
}

/** `{ bayeux: … }`, the claim with grants. */
export const granting = (grants: Record<string, readonly string[]>) => ({ bayeux: grants });

/** Everything. */
export const all = granting({
  ...{ subscribe: ['/**'], publish: ['/**'], call: ['/**'], history: ['/**'] },
});
