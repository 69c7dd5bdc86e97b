import { conduitContract } from '../core/contracts/conduit.ts';
import { shakeHands } from '../support/bayeux-http.ts';
import { cluster } from '../support/cluster.ts';
import { postUnderTest, socketUnderTest, streamUnderTest } from '../support/conduits-under-test.ts';
import { PARKED, parking } from '../support/parking.ts';

/** Two nodes: the session is at the first, and its client comes to the second. */
async function apart() {
  const { extension, parked } = parking();
  const [owner, edge] = await cluster(2, { extensions: [extension] });
  if (owner === undefined || edge === undefined) throw new Error('no nodes');
  const clientId = await shakeHands(owner.url);
  const [session] = owner.server.sessions;
  if (session === undefined) throw new Error('no session');
  return { session, url: edge.url, message: { ...PARKED, clientId }, parked };
}

conduitContract('forwarded long-polling', async () => {
  const { url, message, parked } = await apart();
  return postUnderTest(url, message, parked);
});

conduitContract('forwarded eventsource', async () => {
  const { url, session } = await apart();
  return streamUnderTest(url, session);
});

conduitContract('forwarded websocket', async () => {
  const { url, message, parked } = await apart();
  return socketUnderTest(url, message, parked);
});
