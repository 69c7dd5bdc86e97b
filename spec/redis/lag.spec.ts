import { createClient } from '@redis/client';
import { describe, expect, it } from 'vitest';
import type { Dial } from '../../src/redis/connection/line.ts';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';
import { Lag } from '../../src/redis/lag.ts';
import { describeWithRedis } from './cluster.ts';
import { TestNode } from './test-node.ts';

const patience = { timeout: 5000, interval: 20 };

describe('the lag of a mailbox', () => {
  it('is what the last beat found unread, less what was read since', () => {
    const lag = new Lag();
    lag.beaten({ written: 10, oldest: '5000-3' }, 9000, 100);
    expect(lag.behind({ id: '4000-0', number: 6 }, 100)).toEqual({ entries: 4, ms: 4000 });
    expect(lag.behind({ id: '4000-0', number: 6 }, 350)).toEqual({ entries: 4, ms: 4250 });
    // What is unread now is no older than the last entry that was read.
    expect(lag.behind({ id: '8000-0', number: 9 }, 350)).toEqual({ entries: 1, ms: 1250 });
    expect(lag.behind({ id: '8500-0', number: 10 }, 350)).toEqual({ entries: 0, ms: 0 });
    expect(lag.behind({ id: '8600-0', number: 12 }, 350)).toEqual({ entries: 0, ms: 0 });
  });

  it('has no age where all that is unread was discarded', () => {
    const lag = new Lag();
    lag.beaten({ written: 10, oldest: undefined }, 9000, 100);
    expect(lag.behind({ id: '4000-0', number: 6 }, 500)).toEqual({ entries: 4, ms: 0 });
  });
});

describeWithRedis('a node that cannot read its mailbox', (cluster) => {
  it('knows how many entries wait and for how long, and counts its reconnects', async () => {
    const { prefix } = cluster().keys;
    const options = { namespace: prefix.slice(1, -2) };
    const real = nodeRedis(createClient({ url: cluster().redis.url }));
    let dials = 0;
    let mayRead = false;
    // The first line is for commands, the others are for reads.
    const dial: Dial = (hooks) => {
      dials += 1;
      return dials === 1 || mayRead ? real(hooks) : Promise.reject(new Error('no line'));
    };
    const a = await TestNode.open('a', cluster().redis.url, options);
    const b = await TestNode.open('b', dial, options, '/x');
    expect(b.node.lag).toEqual({ entries: 0, ms: 0 });
    for (let at = 0; at < 3; at += 1) await a.publish(at);
    await expect.poll(() => b.node.lag.entries, patience).toBe(3);
    await expect.poll(() => b.node.lag.ms, patience).toBeGreaterThan(50);
    expect(b.node.sinceBeat).toBeLessThan(1500);
    mayRead = true;
    await expect.poll(() => b.got, patience).toEqual([0, 1, 2]);
    expect(b.node.lag).toEqual({ entries: 0, ms: 0 });
    expect(b.node.counts).toEqual({ failures: 0, reconnects: 0 });
    await cluster().send('CLIENT', 'KILL', 'TYPE', 'normal');
    await expect.poll(() => b.node.counts.reconnects, patience).toBe(2);
  });
});
