import { conduitContract } from '../core/contracts/conduit.ts';
import type { ServerSettings } from '../../src/index.ts';
import { shakeHands } from '../support/bayeux-http.ts';
import type { ServingNode } from '../support/cluster.ts';
import { postUnderTest, socketUnderTest, streamUnderTest } from '../support/conduits-under-test.ts';
import { PARKED, parking } from '../support/parking.ts';

/** Runs the contract of conduits where the session is at the first of two nodes, and its client comes to the second. */
export function forwardedConduits(
  how: string,
  startTwo: (settings: ServerSettings) => Promise<readonly ServingNode[]>,
): void {
  async function apart() {
    const { extension, parked } = parking();
    const [owner, edge] = await startTwo({ extensions: [extension] });
    if (owner === undefined || edge === undefined) throw new Error('no nodes');
    const clientId = await shakeHands(owner.url);
    const [session] = owner.server.sessions;
    if (session === undefined) throw new Error('no session');
    return { session, url: edge.url, message: { ...PARKED, clientId }, parked };
  }

  conduitContract(`long-polling, forwarded ${how},`, async () => {
    const { url, message, parked } = await apart();
    return postUnderTest(url, message, parked);
  });

  conduitContract(`eventsource, forwarded ${how},`, async () => {
    const { url, session } = await apart();
    return streamUnderTest(url, session);
  });

  conduitContract(`websocket, forwarded ${how},`, async () => {
    const { url, message, parked } = await apart();
    return socketUnderTest(url, message, parked);
  });
}
