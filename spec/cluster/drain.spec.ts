import { expect, it } from 'vitest';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { cluster } from '../support/cluster.ts';
import { until } from '../support/until.ts';

it('a session that its node has sent away ends when its client comes back by another node (EX-7)', async () => {
  const clock = new FakeClock();
  const [owner, edge] = await cluster(2, { clock, drain: { window: 10_000 }, maxInterval: 10_000 });
  if (owner === undefined || edge === undefined) throw new Error('no nodes');
  const clientId = await shakeHands(owner.url);
  const later = await shakeHands(owner.url);
  const [held, last] = [clientId, later].map((id) => post(edge.url, connectOf(id)));
  await until(() => Array.from(owner.server.sessions).every(({ state }) => state === 'held'));

  const closed = owner.server.close();
  await clock.tick(5_000);
  expect(await held).toMatchObject([{ successful: true, advice: { reconnect: 'retry', interval: 0 } }]);
  const [reply] = await post(edge.url, connectOf(clientId));
  expect(reply).toMatchObject({ error: '402::session_unknown', advice: { reconnect: 'handshake' } });
  expect(owner.server.sessions.size).toBe(1);
  await clock.tick(5_000);
  await last;
  await clock.tick(1_000);
  await closed;
  const again = await shakeHands(edge.url);
  expect(again.startsWith(edge.info.name)).toBe(true);
  await post(edge.url, { channel: '/meta/disconnect', clientId: again });
});
