import { describe, expect, it } from 'vitest';
import { withChatHistory } from '../../src/cli/chat-history.ts';
import { chatChannel } from '../../src/http/pages.ts';
import { configOf, resolveOptions } from '../../src/server-options.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';

/** What holds for a channel where the program serves the chat page. */
function ruleOf(channels: NonNullable<ServerOptions['channels']>, channel = chatChannel) {
  return configOf(withChatHistory(resolveOptions({ channels }))).rules.of(channel);
}

describe('the channel of the chat page', () => {
  it('keeps its last 50 messages', () => {
    expect(ruleOf({}).history).toMatchObject({ maxEvents: 50 });
  });

  it('is the only one that is kept for the page', () => {
    expect(ruleOf({}, '/chat/other').history).toBeUndefined();
  });

  it('keeps what else its rules say', () => {
    expect(ruleOf({ [chatChannel]: { lazy: 7 }, '/chat/*': { broadcastToPublisher: false } })).toMatchObject({
      lazy: 7,
      broadcastToPublisher: false,
      history: { maxEvents: 50 },
    });
  });

  it.each([chatChannel, '/chat/*', '/chat/**', '/**'])('is as a rule for %s says', (pattern) => {
    const history = { maxEvents: 7, maxAge: 1000 };
    expect(ruleOf({ [pattern]: { history } }).history).toEqual(history);
    expect(ruleOf({ [pattern]: { history: false } }).history).toBe(false);
  });

  it('changes no other option', () => {
    const options = resolveOptions({ timeout: 12_345, channels: { '/a': { lazy: true } } });
    const { channels, ...rest } = withChatHistory(options);
    expect({ ...rest, channels: options.channels }).toEqual(options);
    expect(channels['/a']).toEqual({ lazy: true });
  });
});
