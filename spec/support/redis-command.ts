import { createClient } from '@redis/client';
import type { RedisServer } from './redis-server.ts';

/** Sends one command. Answers `away` when that fails, or is not answered in a second. */
export async function sent(server: RedisServer, ...command: string[]): Promise<string> {
  const socket = { reconnectStrategy: false, connectTimeout: 1000, socketTimeout: 1000 } as const;
  const client = createClient({ url: server.url, socket });
  client.on('error', () => {});
  try {
    await client.connect();
    return String(await client.sendCommand(command));
  } catch {
    return 'away';
  } finally {
    if (client.isOpen) client.destroy();
  }
}

/** Waits up to 40 s until a question about servers is answered with yes. */
export async function cameTrue(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 40_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`this did not come true in 40 s: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
