import { setTimeout as wait } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { Extension } from '../../src/ports/session.ts';
import type { Directory } from '../../src/ports/directory.ts';
import { silent } from '../../src/lib/log.ts';
import { LocalRosters } from '../../src/core/local-rosters.ts';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { clockContract, engineContract, fakeClock } from '../../src/testing/index.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream } from '../support/fake-conduit.ts';
import { laterDirectory } from '../support/later-directory.ts';
import { conduitContract } from './contracts/conduit.ts';
import { directoryContract } from './contracts/directory.ts';
import { extensionContract } from './contracts/extension.ts';
import { logContract } from './contracts/log.ts';
import { outboxContract, plainOutbox } from './contracts/outbox.ts';
import { rostersContract } from './contracts/rosters.ts';
import { policyContract } from './contracts/policy.ts';

engineContract('memory', () => new MemoryEngine(), { describe, it });

outboxContract('plain', plainOutbox);

clockContract('system', () => ({ clock: systemClock, pass: (ms) => wait(ms) }), { describe, it });
clockContract(
  'fake',
  () => {
    const clock = fakeClock();
    return { clock, pass: (ms) => clock.tick(ms) };
  },
  { describe, it },
);

for (const [name, make] of Object.entries({ exchange, socket, stream })) {
  conduitContract(`fake ${name}`, async () => {
    const conduit: FakeConduit = make();
    return { conduit, received: () => conduit.batches, hangUp: () => void conduit.die() };
  });
}

for (const [name, around] of Object.entries({
  local: (same: Directory) => same,
  'local, later,': laterDirectory,
}))
  directoryContract(name, () => {
    const { server } = serve({
      policy: {
        canHandshake: ({ message }) => ({
          allow: true,
          ...(typeof message.ext?.user === 'string' && { user: message.ext.user }),
        }),
      },
    });
    const clients = new Map<string, FakeClient>();
    return {
      directory: around(server.directory),
      open: async (user) => {
        const client = await FakeClient.open(server, exchange(), { ext: { user } });
        clients.set(client.session.id, client);
        return client.session.id;
      },
      subscribe: async (id, pattern) => void (await clients.get(id)?.subscribe(pattern)),
      close: async (id) => void (await clients.get(id)?.disconnect()),
    };
  });

rostersContract('a single node', async () => {
  const rosters = new LocalRosters();
  return [rosters, rosters, rosters];
});

const echo: Extension = {
  name: 'echo',
  opened: (session, request) => {
    session.attributes.echo = request.ext?.echo ?? null;
  },
  incoming: (request) => Promise.resolve(request),
  publishing: (event) => event,
  outgoing: (reply, session) =>
    session === undefined ? reply : { ...reply, ext: { echo: session.attributes.echo } },
  delivering: (event) => event,
};
extensionContract('echoing', () => echo);
extensionContract('empty', () => ({ name: 'empty' }));

policyContract('absent', () => undefined);
policyContract('closed', () => ({
  canHandshake: () => false,
  canSubscribe: () => false,
  canPublish: () => false,
}));
policyContract('slow', () => ({
  canHandshake: () => Promise.resolve({ allow: true, user: 'ann' } as const),
  canSubscribe: ({ channel }) => Promise.resolve(channel !== '/**'),
  canPublish: ({ message }) => Promise.resolve(message.ext === undefined),
}));

logContract('silent', () => silent);
