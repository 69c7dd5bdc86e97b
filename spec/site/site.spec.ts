import { createServer } from 'node:http';
import express from 'express';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { pages as sitePages } from '../../scripts/site/pages.js';
import { problems } from '../../src/http/api/problem.ts';
import { routesOf } from '../../src/http/api/routes.ts';
import { Server } from '../../src/server.ts';
import { patience } from '../browser/chat-page.ts';
import { hasChromium, tabs } from '../browser/chromium.ts';
import { faultsInBothSchemes } from '../browser/page-faults.ts';
import { pages as documentation, readPage } from '../docs/markdown.ts';
import { sourcesByName } from '../docs/program.ts';
import { listening } from '../support/start.ts';
import { builtPages, folder, isBroken } from './built-site.ts';

const built = builtPages();
const byPath = new Map(built.map((page) => [page.path, page]));
const htmlOf = (path: string): string => byPath.get(path)?.html ?? '';

describe('the site', () => {
  it('has every page of the documentation, each once', () => {
    const files = documentation().map(({ file }) => file);
    const wanted = files.filter((file) => !file.startsWith('examples/'));
    expect(sitePages.map(([, file]) => file).toSorted()).toEqual(wanted.toSorted());
    for (const [name] of sitePages) expect([...byPath.keys()]).toContain(`/${name}.html`);
  });

  it.each(sitePages.map(([name, file]) => [file, name]))('has all the code of %s as it is', (file, name) => {
    const codeOf = (page: string) => readPage(page).blocks.map(({ language, text }) => [language, text]);
    expect(codeOf(`scripts/site/source/${name}.md`)).toEqual(codeOf(file));
  });

  it.each(built.map((page) => [page.path, page] as const))(
    'has no link in %s that leads nowhere',
    (path, page) => {
      if (path !== '/404.html') expect(page.targets.length).toBeGreaterThan(10);
      expect(page.targets.filter((target) => isBroken(page, target, byPath))).toEqual([]);
    },
  );

  it('would find a link that leads nowhere', () => {
    const [page] = built;
    if (page === undefined) throw new Error('the site has no page');
    for (const broken of ['/no.html', 'no.html', '/wire.html#no', '#no'])
      expect(isBroken(page, broken, byPath), broken).toBe(true);
    for (const whole of ['/wire.html', '/wire.html#delivery', '/', 'https://example.com/no'])
      expect(isBroken(page, whole, byPath), whole).toBe(false);
  });

  it('has every route of the HTTP API, and its errors', () => {
    const http = built.filter(({ path }) => path.startsWith('/reference/http/')).map(({ html }) => html);
    const text = http.join('\n');
    for (const { method, path, summary } of routesOf(new Server({ journal: true }))) {
      expect(text).toContain(`<code>${method.toUpperCase()} /api${path}</code>`);
      expect(text).toContain(summary);
    }
    for (const code of Object.keys(problems).filter(
      (one) => !['route_unknown', 'method_wrong'].includes(one),
    ))
      expect(text).toContain(`<code>${code}</code>`);
  });

  it('has a page of the API reference for each name to import', () => {
    for (const name of sourcesByName().keys()) expect(htmlOf(`/reference/api/${name}.html`)).not.toBe('');
    expect(byPath.get('/reference/api/bayeuxd.html')?.ids).toContain('server');
  });
});

const sizes = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];
const shown = [
  '/',
  '/tutorial.html',
  '/presence.html',
  '/reference/api/bayeuxd.html',
  '/reference/http/events.html',
];

const served = () => listening(createServer(express().use(express.static(folder))));

/** Types words into the search, and gives the links that it finds. */
async function find(page: Page, words: string): Promise<readonly string[]> {
  await page.getByRole('button', { name: 'Search' }).first().click();
  await page.getByRole('searchbox').fill(words);
  const links = () => page.$$eval('.results a', (all) => all.map((one) => one.getAttribute('href') ?? ''));
  await expect.poll(links, patience).not.toEqual([]);
  return links();
}

/** Serious faults. The button of the search is that of VitePress: its label lacks the name of the key that the button shows. */
async function ownFaults(page: Page): Promise<readonly string[]> {
  return (await faultsInBothSchemes(page)).filter((fault) => !fault.includes('class="DocSearch'));
}

describe.skipIf(!hasChromium)('the site in a browser', () => {
  it.each(shown)(
    '%s fits the window, light and dark, and has no serious fault',
    { timeout: 120_000 },
    async (path) => {
      const origin = await served();
      for (const viewport of sizes) {
        const window = await tabs({ viewport });
        const page = await window.open(origin + path);
        await expect.poll(() => page.locator('h1').first().isVisible(), patience).toBe(true);
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(
          0,
        );
        if (!path.startsWith('/reference/api/')) expect(await ownFaults(page)).toEqual([]);
        expect(window.complaints).toEqual([]);
      }
    },
  );

  it.each([
    ['traceparent', '/tracing.html'],
    ['maxQueueBytes', '/options.html'],
    ['SendRequest', '/reference/api/bayeuxd.html'],
  ])('finds %s', { timeout: 60_000 }, async (words, path) => {
    const page = await (await tabs()).open(await served());
    const found = await find(page, words);
    expect(found.map((link) => link.split('#')[0])).toContain(path);
  });
});
