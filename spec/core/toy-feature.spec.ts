import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { Server } from '../../src/core/server.ts';
import { silent } from '../../src/lib/log.ts';
import { optionRows } from '../../src/options/table.ts';
import { sectionsOf, tableOf } from '../../src/options/parts.ts';
import { featuresOf, serverFeatures } from '../../src/server-features.ts';
import { partsWith, resolveWith, titles } from '../../src/server-options.ts';
import { FakeClient } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { toyModule } from '../support/toy/feature.ts';

// This is the one line.
const features = [...serverFeatures, toyModule] as const;

const parts = partsWith(features);
const table = tableOf(titles, parts);

function served(given: object): Server {
  const config = resolveWith(parts, table, given);
  const around = { ...config, clock: new FakeClock(), log: silent };
  const made = featuresOf(features, around);
  return new Server({ ...around, features: made, extensions: [], engine: new MemoryEngine() });
}

describe('a feature of one folder and one line', () => {
  it('has an option, which stands in the table, with its flag and its subject', () => {
    const option = optionRows(table).find(({ path }) => path === 'toy');
    expect(option).toMatchObject({ flag: '--toy', variable: 'BAYEUXD_TOY' });
    expect(Object.keys(sectionsOf(titles, parts).Toys ?? {})).toEqual(['toy']);
    expect(() => served({ toi: true })).toThrow('unknown option "toi"; did you mean "toy"?');
    expect(() => served({ toy: 1 })).toThrow('toy must be true or false, got 1');
  });

  it('has a key of channel rules, which is checked and read', () => {
    const { rules } = resolveWith(parts, table, {
      channels: { '/a/**': { loud: 'once', lazy: true }, '/a/b': { loud: 'twice' } },
    });
    expect(rules.of('/a/x')).toEqual({ weight: 1, lazy: true });
    expect(rules.of('/a/b')).toEqual({ weight: 2, lazy: true });
    const wrong = { channels: { '/a': { loud: 'thrice' } } };
    expect(() => served(wrong)).toThrow('channels["/a"].loud must be "once" or "twice", got "thrice"');
    expect(() => served({ channels: { '/service/a': { loud: 'once' } } })).toThrow('.loud has no effect');
  });

  it('has a part in each session, and a field in its replies', async () => {
    const server = served({ toy: true, channels: { '/a/**': { loud: 'once' }, '/a/b': { loud: 'twice' } } });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await ann.subscribe('/**');
    await bob.publish('/quiet', 1);
    await bob.publish('/a/x', 1);
    await bob.publish('/a/b', 2);
    const now = { advice: { timeout: 0 } };
    expect((await ann.connect(now)).reply).toMatchObject({ successful: true, ext: { loud: 3 } });
    expect((await bob.connect(now)).reply).toMatchObject({ successful: true, ext: { loud: 0 } });
  });

  it('answers a publish in place of the listeners', async () => {
    const server = served({ toy: true, channels: { '/a/b': { loud: 'twice' } } });
    const heard: unknown[] = [];
    server.subscribe('/service/**', ({ channel }) => heard.push(channel));
    const ann = await FakeClient.connected(server);
    const { reply } = await ann.publish('/service/weight', '/a/b');
    await ann.publish('/service/other', 1);
    expect(reply).toMatchObject({ successful: true, ext: { weight: 2 } });
    expect(heard).toEqual(['/service/other']);
  });

  it('is not there where its option does not ask for it', async () => {
    const client = await FakeClient.connected(served({ channels: { '/a': { loud: 'once' } } }));
    expect((await client.connect({ advice: { timeout: 0 } })).reply.ext).toBeUndefined();
  });
});
