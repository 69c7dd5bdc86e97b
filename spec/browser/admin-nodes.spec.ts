import { describe, expect, it } from 'vitest';
import type { EngineStatus, NodeStatus } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';
import { keys, opened, servedAdmin, signedIn, signIn, textOf, textsOf, visitor } from './admin-page.ts';
import { patience } from './chat-page.ts';
import { hasChromium } from './chromium.ts';
import { faultsInBothSchemes, sizes } from './page-faults.ts';

const why = `OOM command not allowed when used memory > 'maxmemory' <b>${'x'.repeat(80)}</b>`;

/** A node on a bus, which tells how it is. */
class TellingEngine extends BusEngine {
  others: NodeStatus[] = [];

  status(): EngineStatus {
    const counts = { waiting: 0, failures: 0, reconnects: 0 };
    return { ...counts, formats: [1, 1], lag: { entries: 0, ms: 0 }, sinceBeat: 400 };
  }

  nodes(): readonly NodeStatus[] {
    return this.others;
  }
}

/** Two servers of one cluster with their dashboards, and an engine that knows of a third. */
async function cluster() {
  const bus = new Bus(systemClock);
  const engines = [new TellingEngine(bus), new TellingEngine(bus)] as const;
  const [one, other] = [await servedAdmin({ engine: engines[0] }), await servedAdmin({ engine: engines[1] })];
  for (const { host } of [one, other]) {
    await host.server.open();
    // The place makes the API of a server for its first request.
    await fetch(`${host.origin}/api/openapi.json`);
  }
  engines[0].others = [
    { node: engines[1].node, version: '1.2.0', formats: [1, 2], state: 'open', sessions: 1, sinceBeat: 900 },
    {
      ...{ node: 'zzzzzzz9', version: '1.1.4', formats: [1, 1], state: 'draining', sessions: 1204 },
      ...{ lag: { entries: 12_345, ms: 3200 }, sinceBeat: 1900 },
      trouble: { why, at: Date.now() - 5000 },
    },
  ];
  return { one, other, engines };
}

describe.skipIf(!hasChromium)('the dashboard of a cluster', () => {
  it('shows its nodes, and the sessions and counts of all', async () => {
    const { one, other } = await cluster();
    await visitor(one.host.server, 'ann');
    const bob = await visitor(other.host.server, 'bob');
    const { page, window } = await signedIn(one, 'boss');
    await page.waitForSelector('#nodes:not([hidden])');
    const rows = await textsOf(page, '#node-list li');
    expect(rows.map((row) => row.split(' ').slice(0, 2).join(' '))).toEqual([
      `${one.host.server.node} open`,
      `${other.host.server.node} open`,
      'zzzzzzz9 draining',
    ]);
    expect(rows[0]).toContain('this node');
    expect(rows[2]).toContain('12,345 entries behind, 3.2 s late');
    expect(rows[2]).toContain(why);
    expect(
      await page.$$eval('#node-list li', (all) => all.map((row) => row.getAttribute('data-node'))),
    ).toEqual(['well', 'well', 'troubled']);
    await expect.poll(() => textOf(page, '#tiles div:first-child dd'), patience).toBe('2');
    await page.click('nav >> text=Sessions');
    await expect
      .poll(async () => (await textsOf(page, '#session-list strong')).sort(), patience)
      .toEqual(['ann', 'bob']);
    await page.click('#session-list a:has-text("bob")');
    await expect.poll(() => textOf(page, '#session-facts'), patience).toContain('bob');
    await page.click('#session-disconnect');
    await page.click('#confirm-yes');
    await expect.poll(() => textOf(page, '#session-said'), patience).toBe('1 session ended.');
    expect(bob.session.state).toBe('gone');
    expect(window.complaints).toEqual([]);
  });

  it('says when a node does not answer', async () => {
    const { one, engines } = await cluster();
    await visitor(one.host.server, 'ann');
    const { page } = await signedIn(one, 'boss');
    await expect.poll(() => textOf(page, '#state'), patience).toBe('Live');
    engines[1].answers = false;
    await expect
      .poll(() => textOf(page, '#state'), patience)
      .toContain('A node of the cluster does not answer');
    await page.click('nav >> text=Sessions');
    const said = '1 session · a node does not answer: its part is missing';
    await expect.poll(() => textOf(page, '#sessions-said'), patience).toBe(said);
    engines[1].answers = true;
    await expect.poll(() => textOf(page, '#state'), patience).toBe('Live');
  });

  it('has no fault that axe calls serious, and fits its windows', async () => {
    const { one } = await cluster();
    const { page } = await opened(one, { bypassCSP: true });
    await signIn(page, keys.boss.key);
    await page.waitForSelector('#nodes:not([hidden])');
    await page.waitForSelector('canvas');
    for (const size of sizes) {
      await page.setViewportSize(size);
      expect(await faultsInBothSchemes(page), `${size.width}`).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(size.width);
    }
  }, 60_000);

  it('shows no nodes where there is one server, and does not ask for them', async () => {
    const { page } = await opened(await servedAdmin());
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(request.url()));
    await signIn(page, keys.boss.key);
    await expect
      .poll(() => asked.filter((url) => url.endsWith('/stats')).length, patience)
      .toBeGreaterThan(1);
    expect(await page.isVisible('#nodes')).toBe(false);
    expect(asked.filter((url) => url.endsWith('/nodes'))).toEqual([]);
  });
});
