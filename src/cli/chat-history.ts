import { chatChannel } from '../http/pages.ts';
import { heapLimit } from '../lib/heap.ts';
import { configOf, type ResolvedOptions, readOptions } from '../server-options.ts';

/** Adds the rule by which the channel of the chat page keeps its last 50 messages, unless a rule sets its history already. */
export function withChatHistory(options: ResolvedOptions): ResolvedOptions {
  const { rules } = configOf(options);
  if (rules.of(chatChannel).history !== undefined) return options;
  const rule = { ...rules.byPattern[chatChannel], history: { maxEvents: 50 } };
  return readOptions({ ...options, channels: { ...options.channels, [chatChannel]: rule } }, heapLimit());
}
