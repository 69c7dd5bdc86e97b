import type { Page } from 'playwright-core';
import { cometdDriver } from '../interop/cometd-driver.ts';
import type { Driver } from '../interop/driver.ts';
import { fayeDriver } from '../interop/faye-driver.ts';

/** A CometD client in a page. */
export async function cometdInPage(
  page: Page,
  major: string,
  url: string,
  transport: string,
): Promise<Driver> {
  const library = `/lib/cometd-${major}/cometd.js`;
  // Up to version 7 it is a script, from 8 on a module.
  if (major === '7') await page.addScriptTag({ url: library });
  const { CometD } =
    major === '7' ? { CometD: 'org.cometd.CometD' } : { CometD: `(await import('${library}')).CometD` };
  return inPage(
    page,
    `(${cometdDriver})(new (${CometD})(), ${JSON.stringify(url)}, ${JSON.stringify(transport)})`,
  );
}

/** A Faye client in a page, kept from the transports it would rather use. */
export async function fayeInPage(page: Page, url: string, disabled: readonly string[]): Promise<Driver> {
  await page.addScriptTag({ url: '/lib/faye/faye-browser.js' });
  return inPage(
    page,
    `(() => {
      const client = new Faye.Client(${JSON.stringify(url)}, { retry: 0.1 });
      for (const type of ${JSON.stringify(disabled)}) client.disable(type);
      return (${fayeDriver})(client);
    })()`,
  );
}

/** Makes a driver in the page, and drives it from here. */
async function inPage(page: Page, expression: string): Promise<Driver> {
  await page.evaluate(`(async () => { window.driver = ${expression}; })()`);
  const call = <T>(method: keyof Driver, ...args: readonly unknown[]): Promise<T> =>
    page.evaluate<T>(`driver.${method}(...${JSON.stringify(args)})`);
  return {
    open: () => call('open'),
    transport: () => call('transport'),
    subscribe: (pattern) => call('subscribe', pattern),
    unsubscribe: (pattern) => call('unsubscribe', pattern),
    publish: (channel, data) => call('publish', channel, data),
    batch: (messages) => call('batch', messages),
    heard: () => call('heard'),
    handshakes: () => call('handshakes'),
    stopped: () => call('stopped'),
    close: () => call('close'),
  };
}
