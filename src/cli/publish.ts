import { ArgumentError, PollingClient } from './client.ts';

/** `bayeuxd publish`: publishes one message and waits until the server has accepted it. */
export async function publish(url: string, channel: string, json: string): Promise<void> {
  const client = new PollingClient(url);
  const data = dataOf(json);
  await client.handshake();
  try {
    await client.publish(channel, data);
  } finally {
    await client.disconnect();
  }
}

function dataOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ArgumentError(`${json} is not JSON; a string is written '"hello"'`, { cause });
  }
}
