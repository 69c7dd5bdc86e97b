import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { FakeClient } from '../support/fake-client.ts';
import { run } from '../interop/child.ts';
import { keys, opened, servedAdmin, signedIn, signIn, textOf, textsOf, visitor } from './admin-page.ts';
import { patience } from './chat-page.ts';
import { hasChromium } from './chromium.ts';

const windows = [
  ...(['light', 'dark'] as const).map((colorScheme) => ({ width: 1280, height: 800, colorScheme })),
  ...(['light', 'dark'] as const).map((colorScheme) => ({ width: 390, height: 844, colorScheme })),
];

const slow = { ...patience, interval: 250 };

/** A number in the legend of a chart. */
async function shown(page: Page, line: string): Promise<number> {
  const [text = ''] = await textsOf(page, `.legend li:has-text("${line}") .value`);
  return Number.parseFloat(text.replaceAll(',', ''));
}

/** How many pixels of the first chart have the colour of a line. */
const drawn = (page: Page, line: number) =>
  page.evaluate<number>(`(() => {
    const canvas = document.querySelector('canvas');
    if (canvas === null) return 0;
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = 'var(--line-${line})';
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
      if (wanted.every((part, nth) => data[at + nth] === part)) count += 1;
    return count;
  })()`);

describe.skipIf(!hasChromium)('the dashboard', () => {
  it.each(windows)(
    'shows the load, finds and ends a session, tails, and explains a drop: %o',
    async ({ width, height, colorScheme }) => {
      const place = await servedAdmin();
      const { server } = place.host;
      const { page, window } = await signedIn(place, 'boss', { viewport: { width, height }, colorScheme });

      // The load moves the chart.
      await expect.poll(() => shown(page, 'published'), patience).toBe(0);
      const before = await drawn(page, 0);
      await expect
        .poll(async () => {
          for (let n = 0; n < 50; n += 1) await server.publish('/chat/news', n);
          return shown(page, 'published');
        }, slow)
        .toBeGreaterThan(1);
      await expect.poll(() => drawn(page, 0), patience).toBeGreaterThan(before);

      // A drop is explained: of three events, two wait.
      const ann = await FakeClient.open(server, undefined, { ext: { user: 'ann' } });
      await ann.subscribe('/chat/news');
      for (const n of [1, 2, 3]) await server.publish('/chat/news', n);
      await page.click('nav >> text=Explain');
      await page.fill('#explain-channel', '/chat/news');
      await page.fill('#explain-value', 'ann');
      await page.click('#explain >> text=Explain');
      await expect
        .poll(() => textsOf(page, '#findings li'), patience)
        .toContainEqual(expect.stringMatching(/^Cause.*dropped/));

      // A session is found by its user, and ended.
      await visitor(server, 'bob');
      await page.click('nav >> text=Sessions');
      await expect.poll(() => textsOf(page, '#session-list strong'), patience).toHaveLength(2);
      await page.selectOption('#sessions-by', 'user');
      await page.fill('#sessions-value', 'ann');
      await page.press('#sessions-value', 'Enter');
      await expect.poll(() => textsOf(page, '#session-list strong'), patience).toEqual(['ann']);
      expect(await textOf(page, '#session-list li')).toContain('2 events waiting');
      await page.click('#session-list a');
      await expect.poll(() => textOf(page, '#session-facts'), patience).toContain('Waiting events2');
      expect(await textOf(page, '#session-subscriptions')).toContain('/chat/news');
      await page.click('#session-disconnect');
      await page.click('#confirm >> text=Cancel');
      expect(ann.session.state).not.toBe('gone');
      await page.click('#session-disconnect');
      await page.click('#confirm-yes');
      await expect.poll(() => textOf(page, '#session-said'), patience).toBe('1 session ended.');
      expect(ann.session.state).toBe('gone');

      // The tail shows what is published, here by the form.
      await page.click('nav >> text=Live tail');
      await page.fill('#tail-pattern', '/chat/*');
      await page.press('#tail-pattern', 'Enter');
      await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Listening to /chat/*');
      await server.publish('/chat/news', { text: 'hello' });
      await server.publish('/other', 'not this');
      await server.publish('/chat/sport', 'the last');
      await expect
        .poll(() => textsOf(page, '#tail-list strong, #tail-list pre'), patience)
        .toEqual(['/chat/sport', '"the last"', '/chat/news', '{"text":"hello"}']);
      await page.click('nav >> text=Publish');
      await page.fill('#publish-channel', '/chat/news');
      await page.fill('#publish-data', '{"text": "from here"}');
      await page.click('#publish button');
      await expect
        .poll(() => textOf(page, '#publish-said'), patience)
        .toContain('Published to /chat/news: queued for 0 sessions. Nobody subscribes to it.');
      await page.click('#publish-said a');
      await expect.poll(() => textOf(page, '#explain-said'), patience).toContain('/chat/news');
      expect(window.complaints).toEqual([]);
      const { scrollWidth, innerWidth } = await page.evaluate<{ scrollWidth: number; innerWidth: number }>(
        '({ scrollWidth: document.documentElement.scrollWidth, innerWidth })',
      );
      expect(scrollWidth).toBeLessThanOrEqual(innerWidth);
    },
    60_000,
  );

  it('shows channels as a tree, with counts, and finds the sessions of one', async () => {
    const place = await servedAdmin();
    const { server } = place.host;
    const [ann, bob] = [await visitor(server, 'ann'), await visitor(server, 'bob')];
    await ann.subscribe(['/chat/news', '/chat/**', '/orders']);
    await bob.subscribe(['/chat/news', '/chat/rooms/lobby']);
    const { page } = await signedIn(place, 'boss');
    await page.click('nav >> text=Channels');
    await expect
      .poll(() => textsOf(page, '.tree .name'), patience)
      .toEqual(['chat', '**', 'news', 'rooms', 'lobby', 'orders']);
    expect(await textsOf(page, '.tree .count')).toEqual([
      '3 below',
      '1 session',
      '2 sessions',
      '1 below',
      '1 session',
      '1 session',
    ]);
    expect(await textOf(page, '#channels-said')).toBe('4 names and patterns');
    await page.fill('#channels-pattern', '/chat/rooms/*');
    await page.press('#channels-pattern', 'Enter');
    await expect.poll(() => textsOf(page, '.tree .name'), patience).toEqual(['chat', 'rooms', 'lobby']);
    await page.click('[aria-label="Sessions: /chat/rooms/lobby"]');
    await expect
      .poll(async () => (await textsOf(page, '#session-list strong')).sort(), patience)
      .toEqual(['ann', 'bob']);
  });

  it('says what to do where there is nothing to show', async () => {
    const { page } = await signedIn(await servedAdmin({ journal: false }), 'boss');
    await page.waitForSelector('.empty:visible');
    expect(await textsOf(page, '.empty')).toContain('The first values come in a few seconds.');
    await page.waitForSelector('.empty', { state: 'hidden' });
    await page.click('nav >> text=Channels');
    await expect.poll(() => textOf(page, '#channels-said'), patience).toMatch(/^No session subscribes/);
    await page.click('nav >> text=Sessions');
    await expect.poll(() => textOf(page, '#sessions-said'), patience).toMatch(/^No session is open/);
    await page.click('nav >> text=Explain');
    await page.fill('#explain-id', '1');
    await page.press('#explain-id', 'Enter');
    await expect.poll(() => textOf(page, '#explain-said'), patience).toContain('set "journal"');
    await page.click('nav >> text=Publish');
    await page.fill('#publish-channel', '/a');
    await page.fill('#publish-data', 'hello');
    await page.click('#publish button');
    expect(await textOf(page, '#publish-said')).toMatch(/^The data is not JSON: .* A text needs quotes/);
    await page.fill('#publish-data', '1');
    await page.fill('#publish-channel', '/a/*');
    await page.click('#publish button');
    await expect
      .poll(() => textOf(page, '#publish-said'), patience)
      .toBe('Channel must be one channel, not a pattern');
  });

  it('shows a reader neither the form to publish nor the button to disconnect, and the API refuses both', async () => {
    const place = await servedAdmin();
    const ann = await visitor(place.host.server, 'ann');
    const { page } = await signedIn(place, 'reader');
    const links = () => page.$$eval('nav a:not([hidden])', (all) => all.map((one) => one.textContent));
    expect(await links()).toEqual(['Overview', 'Channels', 'Sessions', 'Live tail', 'Explain']);
    await page.goto(`${place.url}#publish`);
    await page.waitForSelector('#view-overview:not([hidden])');
    expect(await page.isVisible('#publish')).toBe(false);
    await page.goto(`${place.url}#session?id=${ann.session.id}`);
    await expect.poll(() => textOf(page, '#session-facts'), patience).toContain('ann');
    expect(await page.isVisible('#session-disconnect')).toBe(false);
    const status = async (path: string, body: object) => {
      const headers = { 'X-API-Key': keys.reader.key };
      return (await page.request.post(`${place.host.origin}/api/${path}`, { headers, data: body })).status();
    };
    expect(await status('publish', { channel: '/a', data: 1 })).toBe(403);
    expect(await status('disconnect', { session: ann.session.id })).toBe(403);
    expect(ann.session.state).not.toBe('gone');
  });

  it('shows a key for some channels these alone', async () => {
    const place = await servedAdmin();
    const ann = await visitor(place.host.server, 'ann');
    await ann.subscribe(['/chat/news', '/secret']);
    const { page, window } = await signedIn(place, 'narrow');
    expect(await textsOf(page, 'nav a:not([hidden])')).toEqual(['Channels', 'Live tail', 'Explain']);
    await expect.poll(() => textsOf(page, '.tree .name'), patience).toEqual(['chat', 'news']);
    await page.click('[aria-label="Tail: /chat/news"]');
    await expect.poll(() => textOf(page, '#tail-said'), patience).toContain('Listening');
    await ann.publish('/chat/news', 'hello');
    await expect.poll(() => textsOf(page, '#tail-list pre'), patience).toEqual(['"hello"']);
    expect(await textsOf(page, '#tail-list .from')).toEqual(['']);
    await page.fill('#tail-pattern', '/secret');
    await page.press('#tail-pattern', 'Enter');
    await expect
      .poll(() => textOf(page, '#tail-said'), patience)
      .toBe('The key "narrow" may not read /secret: its channels are /chat/**');
    expect(window.complaints).toEqual([expect.stringContaining('403')]);
  });

  it('takes a key that only publishes', async () => {
    const { page } = await signedIn(await servedAdmin(), 'writer');
    expect(await textsOf(page, 'nav a:not([hidden])')).toEqual(['Publish']);
    await page.fill('#publish-channel', '/chat/news');
    await page.fill('#publish-data', '1');
    await page.click('#publish button');
    await expect.poll(() => textOf(page, '#publish-said'), patience).toContain('Published to /chat/news');
  });

  it('keeps the key in the memory of the tab alone, until the visitor signs out', async () => {
    const place = await servedAdmin();
    const { page } = await signedIn(place, 'boss');
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(request.url()));
    await page.reload();
    await page.waitForSelector('#nav:not([hidden])');
    await expect.poll(() => asked.some((url) => url.endsWith('/stats')), patience).toBe(true);
    expect(asked.filter((url) => url.includes(keys.boss.key))).toEqual([]);
    expect(await page.context().cookies()).toEqual([]);
    expect(await page.evaluate('localStorage.length')).toBe(0);
    const other = await page.context().newPage();
    await other.goto(place.url);
    expect(await other.isVisible('#sign-in')).toBe(true);
    await page.click('#sign-out');
    await page.waitForSelector('#sign-in:visible');
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    await page.reload();
    expect(await page.isVisible('#sign-in')).toBe(true);
  });

  it('works as the program serves it, with the key that the program makes', async () => {
    const key = 'a-key-for-the-program';
    const { origin } = await run('bin/bayeuxd.js', { BAYEUXD_PORT: '0', BAYEUXD_API_KEY: key });
    const { page, window } = await opened({ url: `${origin}/admin` });
    expect(page.url()).toBe(`${origin}/admin/`);
    await signIn(page, key);
    await expect.poll(() => textOf(page, '#caller'), patience).toContain('default admin');
    await page.waitForSelector('canvas');
    expect(window.complaints).toEqual([]);
  });
});
