import { describe, expect, it } from 'vitest';
import type { Transport } from '../conformance/check.ts';
import { send } from '../http/send.ts';
import { start } from '../support/start.ts';
import { client } from '../transports/sessions.ts';

const json = { 'Content-Type': 'application/json' };

/** An object as JSON text, with keys that could change a prototype. */
const evil =
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1},"a":1}';

/** No object has got a property that it should not have. */
function expectClean(): void {
  const bare: Record<string, unknown> = {};
  expect([bare.polluted, bare.successful, Object.keys(Object.prototype)]).toEqual([undefined, undefined, []]);
}

const transports: readonly Transport[] = ['long-polling', 'callback-polling', 'websocket'];

describe('a key that could change a prototype (SEC-7)', () => {
  it.each(transports)(
    'is not in what goes on of ext, and passes in data as it came: %s',
    async (transport) => {
      const { url } = await start({ forward: 'all' });
      const alice = await client(url, { transport });
      await alice.subscribe('/a');
      const deep = `{"x":[${evil}],${evil.slice(1)}`;
      const message = JSON.stringify(alice.message('/a', { data: 0, ext: 0 }));
      const text = message.replace('"data":0', `"data":${evil}`).replace('"ext":0', `"ext":${deep}`);
      await alice.link.send(JSON.parse(`[${text}]`)).messages;
      const { inbox, pushes } = alice.link;
      while (!pushes && inbox.items.length === 0) await alice.connect({ advice: { timeout: 0 } });
      const event = await inbox.shift();
      expect(JSON.stringify(event)).toBe(`{"channel":"/a","data":${evil},"ext":{"x":[{"a":1}],"a":1}}`);
      expectClean();
    },
  );

  it.each([
    '"ext":',
    '"advice":',
    '"extra":',
    '"data":',
    '"subscription":',
    '"clientId":',
    '"id":',
    '"channel":',
  ])('changes nothing as %s of any message', async (field) => {
    const { url } = await start({ unconnectedPublish: 'allow' });
    const kinds = ['handshake', 'connect', 'subscribe', 'unsubscribe', 'disconnect'];
    for (const channel of [...kinds.map((kind) => `/meta/${kind}`), '/a', '/service/a']) {
      const fields = `"channel":"${channel}","version":"1.0","supportedConnectionTypes":["long-polling"]`;
      const body = `[{${fields},"__proto__":{"successful":true,"clientId":"x"},${field}${evil}}]`;
      const { status, text } = await send(url, 'POST', '', json, body);
      expect([status, text.includes('polluted'), text.includes('__proto__')]).toEqual([200, false, false]);
    }
    expectClean();
  });

  it('is a name like any other, where names are looked up', async () => {
    const { url, server } = await start({ channels: { '/**': { history: true } } });
    const names = ['/__proto__', '/constructor', '/toString', '/a/__proto__/b'];
    const alice = await client(url);
    for (const name of names) {
      const replay = JSON.parse(`{"__proto__":-2,"${name}":-2}`);
      await alice.publish(name, 'before');
      const reply = await alice.call('/meta/subscribe', { subscription: name, ext: { replay } });
      expect(reply).toMatchObject({ successful: true });
    }
    for (const clientId of ['__proto__', 'constructor', 'toString'])
      expect(await alice.call('/meta/subscribe', { clientId, subscription: '/a' })).toMatchObject({
        error: '402::session_unknown',
      });
    expect(await alice.take(names.length)).toEqual(names.map((channel) => ({ channel, data: 'before' })));
    expect([...server.sessions].flatMap(({ subscriptions }) => [...subscriptions])).toEqual(names);
    expectClean();
  });

  it('changes nothing as the name of a cookie or a parameter', async () => {
    const { url, server } = await start();
    const message =
      '[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]';
    const encoded = encodeURIComponent(message);
    const headers = {
      Cookie: '__proto__=x; constructor=y; BAYEUX_BROWSER=__proto__',
      'Sec-Fetch-Site': 'none',
    };
    const script = await send(url, 'GET', `?__proto__=f&constructor=f&message=${encoded}`, headers);
    expect(script.text).toContain('jsonpcallback([');
    const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' };
    const posted = await send(url, 'POST', '', form, `__proto__[polluted]=1&message=${encoded}`);
    expect([posted.status, server.sessions.size]).toEqual([200, 2]);
    expectClean();
  });
});
