import { close } from './frame.ts';

/** What the server is seen to do: it sends a pong, an event, the reply to a message that makes no event, or a close frame. */
export type Seen =
  | readonly ['pong', payload: string]
  | readonly ['event', data: string]
  | readonly ['reply']
  | readonly ['close', code: number];

/** Bytes to send, whole or in pieces of `chop` bytes; or a pause until so much was seen. */
export type Step =
  | Buffer
  | { readonly chop: number; readonly bytes: Buffer }
  | { readonly untilSeen: number };

/** Makes messages that the server echoes: it publishes their data on a channel that the client has subscribed to. */
export interface Echo {
  /** The text before and behind the data. */
  readonly before: string;
  readonly behind: string;
}

export interface Scene {
  readonly sent: readonly Step[];
  /** All that the server is seen to do. */
  readonly seen: readonly Seen[];
}

/** A case of the list, in terms of a server that echoes Bayeux messages and not frames. */
export interface Row {
  /** As in the list. */
  readonly id: string;
  readonly title: string;
  /** The client's offer of extensions, and what the server answers to it. */
  readonly offer?: string;
  readonly agreed?: string;
  readonly scene: (echo: Echo) => Scene;
}

/** The text of a message with this data. */
export function message({ before, behind }: Echo, data: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(before), Buffer.from(data), Buffer.from(behind)]);
}

/** The shortest message that is answered. */
const SHORT = '{"channel":"/e"}';

/** A message of this many bytes, and what comes of it: if there is no room for data, a reply that refuses it. */
export function sized(echo: Echo, bytes: number): { readonly text: Buffer; readonly seen: Seen } {
  const room = bytes - echo.before.length - echo.behind.length;
  if (room < 0) return { text: Buffer.from(SHORT.padEnd(bytes)), seen: ['reply'] };
  const data = 'BAsd7&jh23'.repeat(Math.ceil(room / 10)).slice(0, room);
  return { text: message(echo, data), seen: ['event', data] };
}

/** The client ends the connection in order after these steps, and the server answers that. */
export function clean(sent: readonly Step[], seen: readonly Seen[]): Scene {
  return {
    sent: [...sent, { untilSeen: seen.length }, close(1000)],
    seen: [...seen, ['close', 1000]],
  };
}

/** The server ends the connection. */
export function failed(code: number, sent: readonly Step[], seen: readonly Seen[] = []): Scene {
  return { sent, seen: [...seen, ['close', code]] };
}

export function octets(...frames: readonly Buffer[]): Step {
  return { chop: 1, bytes: Buffer.concat(frames) };
}
