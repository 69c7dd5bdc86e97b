import assert from 'node:assert/strict';
import { type Check, check, requests } from '../check.ts';
import { open, openOther } from '../client.ts';
import { refused } from '../message.ts';

export const unsubscribe: readonly Check[] = [
  check('SB-8', 'unsubscribing what is not subscribed succeeds', requests, async (target) => {
    const client = await open(target);
    for (const name of ['a', 'a/*', 'a/**']) await client.unsubscribe(target.channel(name));
    await client.unsubscribe([target.channel('a'), target.channel('b')]);
  }),

  check('SB-8', 'only the exact key goes', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a/b');
    await client.subscribe([name, target.channel('a/*')]);
    await client.unsubscribe(target.channel('a/*'));
    await client.unsubscribe(target.channel('a/**'));
    const other = await openOther(target);
    await other.publish(name, 1);
    await other.publish(target.channel('a/c'), 1);
    assert.deepEqual(await client.drain(other), [{ channel: name, data: 1 }]);
  }),

  check('SB-9', 'nothing published after an unsubscribe arrives', requests, async (target) => {
    const client = await open(target);
    const name = target.channel('a');
    await client.subscribe(name);
    const other = await openOther(target);
    await other.publish(name, 'before');
    await client.unsubscribe(name);
    await other.publish(name, 'after');
    assert(!(await client.drain(other)).some(({ data }) => data === 'after'));
  }),

  check('SB-11', 'unsubscribing from an invalid name fails', requests, async (target) => {
    const client = await open(target);
    for (const subscription of ['/a/', '/a b', '/a/*/b']) {
      const request = client.message('/meta/unsubscribe', { subscription });
      refused(await client.ask(request), request, `405:${subscription}:channel_invalid`, { subscription });
    }
  }),
];
