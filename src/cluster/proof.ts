import { createHmac, timingSafeEqual } from 'node:crypto';
import { parsed } from '../lib/parsed.ts';

/** What both sides of a new connection said of themselves. */
export interface Greetings {
  readonly dialer: Hello;
  readonly listener: Hello;
}

/** The first frame of each side. */
export interface Hello {
  /** The lowest and the highest format that the node can read and write. */
  readonly formats: readonly [min: number, max: number];
  readonly node: string;
  /** Random, and another one for each connection: a proof that was recorded is worth nothing later. */
  readonly nonce: string;
}

/** Reads a hello. Undefined if the text is none. */
export function helloOf(text: string): Hello | undefined {
  const hello = parsed(text);
  if (typeof hello !== 'object' || hello === null) return undefined;
  const { formats, node, nonce }: { formats?: unknown; node?: unknown; nonce?: unknown } = hello;
  if (!Array.isArray(formats) || formats.length !== 2) return undefined;
  const [min, max]: unknown[] = formats;
  if (!isFormat(min) || !isFormat(max) || min > max) return undefined;
  if (typeof node !== 'string' || !/^[A-Za-z0-9]{1,64}$/.test(node)) return undefined;
  if (typeof nonce !== 'string' || !/^[\da-f]{64}$/.test(nonce)) return undefined;
  return { formats: [min, max], node, nonce };
}

function isFormat(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

/** The highest format that both know; undefined if there is none. */
export function commonFormat({ dialer, listener }: Greetings): number | undefined {
  const max = Math.min(dialer.formats[1], listener.formats[1]);
  return max >= Math.max(dialer.formats[0], listener.formats[0]) ? max : undefined;
}

/** Proves that one side of this connection knows the secret. All that both sides said is part of it, and so is the role. */
export function proofOf(role: keyof Greetings, { dialer, listener }: Greetings, secret: string): string {
  const said = [dialer, listener].map(({ formats, node, nonce }) => [formats, node, nonce]);
  return createHmac('sha256', secret)
    .update(JSON.stringify(['bayeuxd link', role, ...said]))
    .digest('hex');
}

/** Compares in constant time. */
export function proves(proof: string, expected: string): boolean {
  const [given, wanted] = [Buffer.from(proof), Buffer.from(expected)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
