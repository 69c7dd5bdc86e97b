import type { ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';

export const DIRECT = '/service/direct';

/** Lets each client name its user in `ext.user`. */
export const named: NonNullable<ServerSettings['policy']> = {
  canHandshake: ({ message: { ext } }) =>
    typeof ext?.user === 'string'
      ? { allow: true, user: { id: ext.user, info: { name: ext.user.toUpperCase() } } }
      : true,
};

/** A server with `/service/direct`, whose clients name their users. */
export function directServer(
  addressed: NonNullable<NonNullable<ServerSettings['channels']>[string]['addressed']> = true,
  { policy, channels, ...settings }: ServerSettings = {},
) {
  return serve({
    ...settings,
    policy: { ...named, ...policy },
    channels: { [DIRECT]: { addressed }, ...channels },
  });
}

type AnyServer = ReturnType<typeof serve>['server'];

/** A client of this user on a socket. */
export async function onSocket(server: AnyServer, user?: string, fields: Wire = {}) {
  const wire = socket();
  const ext = { ...(user !== undefined && { user }), ...(fields.ext as object) };
  return { client: await FakeClient.connected(server, wire, { ...fields, ext }), wire };
}

/** A client of this user that polls, and has connected once. */
export function polls(server: AnyServer, user: string, ext: object = {}): Promise<FakeClient> {
  return FakeClient.connected(server, exchange(), { ext: { user, ...ext } });
}

/** Sends a message, and gives the reply. */
export async function send(
  client: FakeClient,
  receivers: unknown,
  payload: unknown,
  more: Wire = {},
  channel = DIRECT,
): Promise<Wire> {
  return (await client.publish(channel, { receivers, payload, ...more })).reply;
}

/** The payloads of the messages that a conduit brought. */
export function payloads(wire: FakeConduit, channel = DIRECT): unknown[] {
  return wire.events.flatMap((event) =>
    event.channel === channel ? [(event.data as { payload: unknown }).payload] : [],
  );
}

/** `ext.receipts` of a reply. */
export function receiptsOf({ ext }: Wire): unknown {
  return (ext as Wire | undefined)?.receipts;
}
