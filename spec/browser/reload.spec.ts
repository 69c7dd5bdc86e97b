import type { RequestHandler } from 'express';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium, tabs } from './chromium.ts';
import { library } from './library.ts';
import { patience, session } from '../interop/columns.ts';
import { host } from '../interop/host.ts';

// As CometD's documentation has an application do it: what was heard is kept over the reload, and so is the session.
const page = (transport: string, ack: boolean) => `<!doctype html><title>reload</title><script type="module">
  import { AckExtension, CometD, ReloadExtension } from '/lib/cometd-9/cometd.js';
  const cometd = new CometD();
  for (const type of cometd.getTransportTypes()) if (type !== '${transport}') cometd.unregisterTransport(type);
  if (${ack}) cometd.registerExtension('ack', new AckExtension());
  cometd.registerExtension('reload', new ReloadExtension());
  cometd.configure({ url: location.origin + '/bayeux', useWorkerScheduler: false });
  window.heard = JSON.parse(sessionStorage.getItem('heard') ?? '[]');
  cometd.addListener('/meta/handshake', ({ successful, ext }) => {
    if (!successful) return;
    window.reloaded = ext?.reload === true;
    cometd.subscribe('/news', ({ data }) => {
      heard.push(data);
      sessionStorage.setItem('heard', JSON.stringify(heard));
    }, () => { window.subscribed = true; });
  });
  addEventListener('beforeunload', () => cometd.reload());
  cometd.handshake();
</script>`;

const heard = (tab: Page) => expect.poll(() => tab.evaluate('window.heard'), patience);

describe.skipIf(!hasChromium)('a page in Chromium with the reload extension of cometd 9 (RL-1)', () => {
  it.each([
    ['long-polling', false],
    ['long-polling', true],
    ['websocket', false],
    ['websocket', true],
  ])(
    'over %s, ack %j: goes on with its session when it is loaded anew, and misses nothing',
    async (transport, ack) => {
      let loads = 0;
      const serveSlowly: RequestHandler = async (request, response, next) => {
        if (request.path !== '/page') return next();
        loads += 1;
        if (loads > 1) await whileReloading();
        response.type('html').send(page(transport, ack));
      };
      const place = await host({}, { front: [library, serveSlowly] });
      const publish = (data: string) => place.server.publish('/news', data);
      const whileReloading = async () => {
        await expect.poll(() => session(place.server).state, patience).toBe('idle');
        for (const data of ['while', 'it', 'loads']) await publish(data);
      };

      const tab = await (await tabs()).open(`${place.origin}/page`);
      await tab.waitForFunction('window.subscribed');
      await publish('before');
      await heard(tab).toEqual(['before']);
      await expect.poll(() => session(place.server).state, patience).toBe('held');
      const { id, deliverOnly } = session(place.server);
      expect(deliverOnly).toBe(ack);

      await tab.reload();
      await tab.waitForFunction('window.subscribed');
      await publish('after');
      await heard(tab).toEqual(['before', 'while', 'it', 'loads', 'after']);
      expect(await tab.evaluate('window.reloaded')).toBe(true);
      expect([loads, place.server.sessions.size, session(place.server).id]).toEqual([2, 1, id]);
    },
  );
});
