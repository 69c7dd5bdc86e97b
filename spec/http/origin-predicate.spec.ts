import { expect, it } from 'vitest';
import type { LogEvent } from '../../src/index.ts';
import { start } from '../support/start.ts';
import { send } from './send.ts';

const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] };

it.each([
  ['true', () => true],
  ['false', () => false],
  ['a promise', () => Promise.resolve(true)],
  ['a promise', () => Promise.reject(new Error('bug'))],
  ['{"allow":false}', () => ({ allow: false })],
  ['"no"', () => 'no'],
  ['1', () => 1],
  ['undefined', () => undefined],
])(
  'an origins function that returns %s lets a page in only where that is true (CO-2)',
  async (text, given) => {
    const said: LogEvent[] = [];
    // biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
    const origins: any = given;
    const { server, url } = await start({ origins, log: (event) => void said.push(event) });
    const headers = { 'Content-Type': 'application/json', Origin: 'https://evil.example' };
    const { status } = await send(url, 'POST', '', headers, JSON.stringify([handshake]));
    expect([status, server.sessions.size]).toEqual(text === 'true' ? [200, 1] : [403, 0]);
    const isAnswer = text === 'true' || text === 'false';
    const why = said.filter(({ event }) => event === 'origins.failed').map(({ error }) => String(error));
    expect(why[0]).toBe(
      isAnswer ? undefined : `UsageError: origins returned ${text}: it must return true or false, at once`,
    );
  },
);
