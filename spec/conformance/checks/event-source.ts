import assert from 'node:assert/strict';
import { type Check, check } from '../check.ts';
import { handshakeOf, open, openOther } from '../client.ts';
import { EventSourceLink } from '../link.ts';
import { carries, exactly, succeeded } from '../message.ts';

const dataOf = (events: readonly { data?: unknown }[]) => events.map(({ data }) => data);

export const eventSource: readonly Check[] = [
  check('ES-1', 'the last segment of the path is the session', 'eventsource', async (target) => {
    const client = await open(target);
    const { status, headers } = await target.stream(`any/where/${client.clientId}`);
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^text\/event-stream/);
  }),

  check('ES-1', 'a GET that accepts no event stream is none', 'eventsource', async (target) => {
    const client = await open(target);
    const { status } = await target.script(`/${client.clientId}`).response;
    assert.equal(status, 400);
  }),

  check('ES-2', 'an unknown session has no stream', 'eventsource', async (target) => {
    for (const id of ['nobody', 'a'.repeat(44)]) {
      const { status, headers } = await target.stream(id);
      assert.equal(status, 404);
      assert(!headers['content-type']?.includes('event-stream'));
    }
  }),

  check('ES-3', 'the headers of a stream', 'eventsource', async (target) => {
    const client = await open(target);
    const headers = client.stream?.headers ?? {};
    assert.match(headers['content-type'] ?? '', /^text\/event-stream/);
    assert.equal(headers['cache-control'], 'no-cache, no-store, no-transform');
    assert.equal(headers['x-accel-buffering'], 'no');
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }),

  check(
    'ES-3',
    'a stream begins with the retry time, then one data line per flush',
    'eventsource',
    async (target) => {
      const client = await open(target);
      const name = target.channel('a');
      await client.subscribe(name);
      const { lines } = await target.stream(client.clientId);
      await (await openOther(target)).publish(name, 'a\n\u2028b');
      await lines.until((all) => all.filter((line) => line === '').length === 2);
      const event = JSON.stringify([{ channel: name, data: 'a\n\u2028b' }]);
      assert.deepEqual(lines.items, ['retry: 5000', '', `data: ${event}`, '']);
    },
  ),

  check('ES-3', 'queued events go out as soon as the stream opens', 'eventsource', async (target) => {
    const client = await open(target, { connect: false });
    const name = target.channel('a');
    await client.subscribe(name);
    await (await openOther(target)).publishAll(name, [1, 2]);
    assert(client.link instanceof EventSourceLink);
    await client.link.listen(client.clientId);
    assert.deepEqual(dataOf(await client.take(2)), [1, 2]);
  }),

  check('ES-4', 'a newer stream ends the older one and hears the rest', 'eventsource', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const newer = await target.stream(client.clientId);
    await client.stream?.ended;
    await (await openOther(target)).publish(name, 1);
    await newer.lines.until((lines) => lines.some((line) => line.includes(name)));
    assert.deepEqual(client.link.inbox.items, []);
  }),

  check('ES-4', 'opening a stream is not a connect', 'eventsource', async (target) => {
    const client = await open(target, { connect: false });
    await target.stream(client.clientId);
    const reply = await client.connect({ connectionType: 'long-polling' });
    // The first connect is answered at once (CN-4), which a second one would not be.
    assert.equal(succeeded(reply).advice?.interval, 0);
  }),

  check('ES-6', 'a connect is answered at once, its advice the heartbeat', 'eventsource', async (target) => {
    const client = await open(target, { connect: false });
    const timeout = client.link.log.items[0]?.advice?.timeout;
    const advice = { reconnect: 'retry', interval: timeout, timeout: 0 };
    assert(client.link instanceof EventSourceLink);
    for (let round = 0; round < 3; round++) {
      const request = client.connectRequest();
      const { id, channel } = request;
      exactly(await client.ask(request), {
        id,
        channel,
        clientId: client.clientId,
        successful: true,
        advice,
      });
      if (round === 1) await client.link.listen(client.clientId);
    }
  }),

  check('ES-6', 'without an open stream the connect carries the events', 'eventsource', async (target) => {
    const client = await open(target, { connect: false });
    const name = target.channel('a');
    await client.subscribe(name);
    await (await openOther(target)).publish(name, 1);
    carries(await client.link.send([client.connectRequest()]).messages, name, 1);
  }),

  check('ES-7', 'events wait while the stream is closed', 'eventsource', async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    client.stream?.destroy();
    await client.stream?.ended;
    await target.settle();
    await (await openOther(target)).publishAll(name, [1, 2]);
    assert(client.link instanceof EventSourceLink);
    await client.link.listen(client.clientId);
    assert.deepEqual(dataOf(await client.take(2)), [1, 2]);
  }),

  check('HS-6', 'eventsource alone is a connection type', 'eventsource', async (target) => {
    const { status, text } = await target.post([handshakeOf(target)]).response;
    assert.equal(status, 200);
    assert(text.includes('"successful":true'));
  }),
];
