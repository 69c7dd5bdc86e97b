import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';

const named: NonNullable<ServerSettings['policy']> = {
  canHandshake: ({ message: { ext } }) =>
    typeof ext?.user === 'string' ? { allow: true, user: ext.user } : true,
  canPublish: ({ channel }) => channel !== '/closed',
};

/** A server with a journal, whose clients name their users, and what it tells. */
export function journaled(settings: ServerSettings = {}) {
  const { server, clock } = serve({ journal: true, policy: named, ...settings });
  const client = (user: string, via = socket()) => FakeClient.connected(server, via, { ext: { user } });
  const codes = (channel: string, session: string) =>
    server.explain({ channel, session }).findings.map(({ code }) => code);
  const told = (channel: string, { session }: FakeClient) =>
    server.explain({ channel, session: session.id }).findings.map(({ what }) => what);
  const about = (channel: string, { session }: FakeClient) => codes(channel, session.id);
  const way = (id: number | undefined) => server.explainPublish(id ?? 0)?.findings.map(({ what }) => what);
  return { server, clock, client, about, codes, told, way };
}
