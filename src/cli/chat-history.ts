import { chatChannel } from '../http/pages.ts';
import { heapLimit } from '../lib/heap.ts';
import { configOf, type ResolvedOptions, readOptions } from '../server-options.ts';

/** Options under which the chat page has its last 50 messages after a reload, unless a rule already says something of their history. */
export function withChatHistory(options: ResolvedOptions): ResolvedOptions {
  const { rules } = configOf(options);
  if (rules.of(chatChannel).history !== undefined) return options;
  const rule = { ...rules.byPattern[chatChannel], history: { maxEvents: 50 } };
  return readOptions({ ...options, channels: { ...options.channels, [chatChannel]: rule } }, heapLimit());
}
