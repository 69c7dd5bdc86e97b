import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

export const sizes = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
  { width: 844, height: 390 },
  { width: 320, height: 568 },
];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe calls serious in windows of all sizes, light and dark. */
export async function faultsInAllWindows(page: Page): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const size of sizes) {
    await page.setViewportSize(size);
    faults.push(
      ...(await faultsInBothSchemes(page)).map((fault) => `${size.width} x ${size.height}, ${fault}`),
    );
  }
  return faults;
}

export async function faultsInBothSchemes(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const faults: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    faults.push(...(await seriousFaults(page)).map((fault) => `${colorScheme}: ${fault}`));
  }
  return faults;
}

/** Rules with their elements that axe-core finds broken, and calls serious or critical. */
async function seriousFaults(page: Page): Promise<readonly string[]> {
  const { violations, passes } = await page.evaluate<AxeResults>('axe.run()');
  expect(passes.length).toBeGreaterThan(10);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** In the page: what stands outside the window, or has more text than room. What scrolls on purpose may. */
export const cutOff = `(() => {
  const { scrollWidth, scrollHeight } = document.documentElement;
  const page = scrollWidth > innerWidth || scrollHeight > innerHeight ? ['page ' + scrollWidth + ' x ' + scrollHeight] : [];
  const parts = [...document.body.querySelectorAll('main *, nav *, aside *')].filter((part) => {
    const { left, right, top, bottom } = part.getBoundingClientRect();
    const isOutside = left < 0 || right > innerWidth || top < 0 || bottom > innerHeight;
    const isTooFull = part.id !== 'scroll' && part.className !== 'unseen' && part.clientWidth > 1 && part.scrollWidth > part.clientWidth + 1;
    return right > left && (isTooFull || (isOutside && part.closest('#scroll > *, .lists > *') === null));
  });
  return [...page, ...parts.map((part) => part.outerHTML)];
})()`;
