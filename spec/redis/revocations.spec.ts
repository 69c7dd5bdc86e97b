import { SignJWT } from 'jose';
import { expect, it } from 'vitest';
import type { ServerSettings } from '../../src/index.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { type ApiNode, type ApiNodeSettings, acquainted, apiNode, apiNodes } from './api-nodes.ts';
import { describeWithRedis } from './cluster.ts';

const patience = { timeout: 10_000, interval: 20 };
const secret = 'a secret of at least thirty-two bytes';
const auth: ServerSettings['auth'] = { secret };
const settings = { settings: { auth } } satisfies ApiNodeSettings;

function token(claims: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub: 'ann', iat: now, exp: now + 600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(secret));
}

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

/** The reply to a handshake with this token. */
async function shake(node: ApiNode, proof?: string): Promise<Record<string, unknown>> {
  const [reply] = await node.say({ ...handshake, ...(proof && { ext: { auth: { token: proof } } }) });
  return reply ?? {};
}

/** A session over HTTP whose connect is held. Tells how that connect ended. */
async function open(node: ApiNode, proof: string) {
  const before = new Set(node.server.sessions);
  const { clientId } = await shake(node, proof);
  const session = [...node.server.sessions].find((one) => !before.has(one));
  const connect = { channel: '/meta/connect', clientId, connectionType: 'long-polling' };
  await node.say({ ...connect, advice: { timeout: 0 } });
  let ended: unknown;
  const held = node.say(connect).then((replies) => {
    ended = replies.find(({ channel }) => channel === '/meta/connect')?.error;
  });
  held.catch(() => {});
  await expect.poll(() => session?.carrier, patience).toBeDefined();
  return { id: session?.id ?? '', ended: () => ended };
}

describeWithRedis('revocations on three nodes', (cluster) => {
  it.each(['user', 'tokenId', 'session'] as const)(
    'by %s end the sessions on all nodes, and refuse the token everywhere, also on a node that starts later',
    async (kind) => {
      const nodes = await apiNodes(cluster(), settings);
      const proof = await token({ jti: 't1' });
      const sessions = [
        await open(nodes[0], proof),
        await open(nodes[1], proof),
        await open(nodes[2], proof),
      ];
      const bob = await open(nodes[1], await token({ sub: 'bob', jti: 't2' }));
      const targets = {
        user: { user: 'ann' },
        tokenId: { tokenId: 't1' },
        session: { session: sessions[1]?.id },
      };
      const answer = await nodes[0].post('/revoke', targets[kind]);
      expect(answer).toMatchObject({ status: 200, body: { sessions: 3 } });
      expect(answer.body).not.toHaveProperty('complete');
      for (const { ended } of sessions) await expect.poll(ended, patience).toBe('401::token_revoked');
      expect(bob.ended()).toBeUndefined();
      const late = await apiNode(cluster(), settings);
      for (const node of [...nodes, late])
        expect(await shake(node, proof)).toMatchObject({ successful: false, error: '401::token_revoked' });
      expect(await shake(late, await token({ jti: 't3', sub: 'bob' }))).toMatchObject({ successful: true });
    },
  );

  it('without authentication end the sessions of a user, and one session, on their nodes', async () => {
    const policy = { canHandshake: () => ({ allow: true, user: 'ann' }) as const };
    const [a, b, c] = await apiNodes(cluster(), { settings: { policy } });
    for (const node of [a, b, b, c]) await shake(node);
    const [one] = b.server.sessions;
    expect(await a.server.revoke({ session: one?.id ?? '' })).toEqual({ sessions: 1 });
    expect(one?.state).toBe('gone');
    expect(await c.server.revoke({ user: 'ann' })).toEqual({ sessions: 3 });
    expect([a, b, c].map(({ server }) => server.usage.sessions)).toEqual([0, 0, 0]);
    expect(await a.server.revoke({ session: 'nobody' })).toEqual({ sessions: 0 });
  });

  it('reach a node that was away from Redis when it is back, and the answer says that one is missing', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const a = await apiNode(cluster(), { ...settings, redis: { url: proxy.url } });
    const b = await apiNode(cluster(), settings);
    await acquainted([a, b]);
    const proof = await token({ jti: 't1' });
    const there = await open(a, proof);
    const here = await open(b, proof);
    proxy.refuse();
    const revoking = b.server.revoke({ tokenId: 't1' });
    expect(await revoking).toEqual({ sessions: 1, complete: false });
    expect(here.ended()).toBe('401::token_revoked');
    expect(await b.server.revoke({ user: 'ann' })).toEqual({ sessions: 0, complete: false });
    const asked = Date.now();
    const fresh = await open(a, await token({ iat: Math.floor(Date.now() / 1000) + 2 }));
    expect(there.ended()).toBeUndefined();
    // A question counts until a second after who asked has given up.
    await expect.poll(() => Date.now() - asked, patience).toBeGreaterThan(1100);
    proxy.admit();
    await expect.poll(there.ended, patience).toBe('401::token_revoked');
    expect(await shake(a, proof)).toMatchObject({ error: '401::token_revoked' });
    // Its mailbox brings what was asked meanwhile, too late.
    await b.server.publish('/end', 1);
    await a.server.publish('/end', 1);
    expect(fresh.ended()).toBeUndefined();
  });

  it('reach the others later where the node that revokes is away, and count here at once', async () => {
    const proxy = await CutProxy.to(cluster().redis.port);
    const a = await apiNode(cluster(), { ...settings, redis: { url: proxy.url } });
    const b = await apiNode(cluster(), settings);
    await acquainted([a, b]);
    const proof = await token({ jti: 't1' });
    const [here, there] = [await open(a, proof), await open(b, proof)];
    proxy.refuse();
    expect(await a.server.revoke({ tokenId: 't1' })).toEqual({ sessions: 1, complete: false });
    await expect.poll(here.ended, patience).toBe('401::token_revoked');
    expect(await shake(a, proof)).toMatchObject({ error: '401::token_revoked' });
    expect(a.logged).toContainEqual(expect.objectContaining({ event: 'auth.revocations_away' }));
    proxy.admit();
    await expect.poll(there.ended, patience).toBe('401::token_revoked');
    expect(await shake(b, proof)).toMatchObject({ error: '401::token_revoked' });
  });

  it('are put back when Redis has lost all data', async () => {
    const [a, b] = await apiNodes(cluster(), settings);
    const proof = await token({ jti: 't1' });
    await a.server.revoke({ tokenId: 't1' });
    await a.server.revoke({ user: 'carl' });
    await cluster().send('FLUSHALL');
    const kept = () => cluster().send('HKEYS', `${cluster().keys.prefix}ma:revoked`);
    await expect
      .poll(async () => [await kept()].flat().toSorted(), patience)
      .toEqual(['token id t1', 'user carl']);
    const late = await apiNode(cluster(), settings);
    for (const node of [b, late])
      expect(await shake(node, proof)).toMatchObject({ error: '401::token_revoked' });
  });

  it('that have no room end the sessions everywhere, and fail with the option to raise', async () => {
    const revocations = { maxEntries: 1 };
    const [a, b] = await apiNodes(cluster(), { settings: { auth: { secret, revocations } } });
    await a.server.revoke({ tokenId: 't1' });
    const session = await open(b, await token({ jti: 't2' }));
    expect(await a.post('/revoke', { tokenId: 't2' })).toMatchObject({
      status: 503,
      body: { code: 'no_room' },
    });
    await expect.poll(session.ended, patience).toBe('401::token_revoked');
    const other = await open(b, await token({ jti: 't3' }));
    await expect(a.server.revoke({ session: other.id })).rejects.toThrow('auth.revocations.maxEntries is 1');
    await expect.poll(other.ended, patience).toBe('401::token_revoked');
  });

  it('end in Redis with the last token that they refuse', async () => {
    const [a] = await apiNodes(cluster(), { settings: { auth: { secret, maxLifetime: 3_600_000 } } });
    await a.server.revoke({ user: 'ann' });
    const left = Number(await cluster().send('PTTL', `${cluster().keys.prefix}ma:revoked`));
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThan(3_800_000);
  });
});
