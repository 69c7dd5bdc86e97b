import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { Server as CoreServer } from '../../src/core/server.ts';
import { silent } from '../../src/lib/log.ts';
import type { Directory } from '../../src/ports/directory.ts';
import { featuresOf, serverFeatures } from '../../src/server-features.ts';
import { configOf } from '../../src/server-options.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';
import type { Server, ServerSettings } from '../../src/server.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { type ClientList, listFrom, type Told, toldOn } from './viewer.ts';

/** A client on a socket, and what it was told. */
export interface Person {
  readonly client: FakeClient;
  readonly conduit: FakeConduit;
  subscribe(...patterns: string[]): Promise<Wire>;
  unsubscribe(...patterns: string[]): Promise<Wire>;
  publish(channel: string, data: unknown): Promise<Wire>;
  told(channel: string): readonly Told[];
  list(channel: string): ClientList;
  /** Ends the session as its client would. */
  leave(): Promise<void>;
}

/** Clients say who they are: `ext: { user, info }`. */
const saysWho: NonNullable<ServerSettings['policy']> = {
  canHandshake: ({ message }) => {
    const { user, info } = (message.ext ?? {}) as { user?: string; info?: Record<string, string> };
    return user === undefined ? true : { allow: true, user: info === undefined ? user : { id: user, info } };
  },
};

const usual: ServerOptions = {
  // Nobody has to connect again.
  timeout: 100_000_000,
  channels: { '/chat/*': { presence: true } },
};

/** As `servePeople`, with a directory of its own. */
export function servePeopleWith(directory: (local: Directory) => Directory, settings: ServerOptions = {}) {
  const clock = new FakeClock();
  const parts = {
    ...configOf({ ...usual, ...settings }),
    clock,
    log: silent,
    trace: false,
    history: undefined,
  };
  const server = new CoreServer({
    ...parts,
    features: featuresOf(serverFeatures, parts),
    extensions: [],
    engine: new MemoryEngine(),
    policy: saysWho,
    directory,
  });
  return { server, clock, person: (user?: string, info?: object) => personOn(server, user, info) };
}

/** Servers where clients say who they are, and their common time. */
export interface People {
  readonly server: Server;
  readonly clock: Pick<FakeClock, 'now' | 'tick' | 'pending'>;
  /** A client that has connected. */
  person(user?: string, info?: object): Promise<Person>;
}

export type ServePeople = (settings?: ServerSettings) => People;

/** The settings of a server where clients say who they are: `ext: { user, info }`. */
export function settingsForPeople(settings: ServerSettings = {}): ServerSettings {
  return { log: silent, ...usual, ...settings, policy: { ...saysWho, ...settings.policy } };
}

/** A server where clients say who they are: `ext: { user, info }`. */
export function servePeople(settings: ServerSettings = {}): People {
  const { server, clock } = serve(settingsForPeople(settings));
  return { server, clock, person: (user, info) => personOn(server, user, info) };
}

/** A client of a server. `flushed` waits for all that follows from what the client did. */
export async function personOn(
  server: FakeClient['server'],
  user?: string,
  info?: object,
  flushed?: () => Promise<void>,
): Promise<Person> {
  const conduit = socket();
  const client = await FakeClient.connected(server, conduit, { ext: { user, info } });
  if (flushed !== undefined) client.flushed = flushed;
  await client.connect({}, conduit);
  await client.flushed();
  const last = () => conduit.messages.findLast(({ successful }) => successful !== undefined) ?? {};
  return {
    client,
    conduit,
    subscribe: async (...patterns) => {
      await client.subscribe(patterns.length === 1 ? patterns[0] : patterns, conduit);
      const reply = last();
      await client.flushed();
      return reply;
    },
    unsubscribe: async (...patterns) => {
      await client.unsubscribe(patterns, conduit);
      const reply = last();
      await client.flushed();
      return reply;
    },
    publish: async (channel, data) => {
      await client.publish(channel, data, conduit);
      const reply = last();
      await client.flushed();
      return reply;
    },
    told: (channel) => toldOn(channel, conduit.messages),
    list: (channel) => listFrom(channel, conduit.messages),
    leave: async () => {
      await client.disconnect(conduit);
      await client.flushed();
    },
  };
}
