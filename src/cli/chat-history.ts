import { chatChannel } from '../http/pages.ts';
import { heapLimit } from '../lib/heap.ts';
import { configOf, type ResolvedOptions, readOptions } from '../server-options.ts';

/** Adds a rule that stores the last 50 messages of the chat page's channel, unless a rule sets its history already. */
export function withChatHistory(options: ResolvedOptions): ResolvedOptions {
  const { rules } = configOf(options);
  if (rules.of(chatChannel).history !== undefined) return options;
  const rule = { ...rules.byPattern[chatChannel], history: { maxEvents: 50 } };
  return readOptions({ ...options, channels: { ...options.channels, [chatChannel]: rule } }, heapLimit());
}
