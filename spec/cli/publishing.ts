import { Readable } from 'node:stream';
import type { ClientFlags } from '../../src/cli/client-options.ts';
import { publish, type What } from '../../src/cli/publish.ts';

/** Runs `publish`, and gives what it prints and says. */
export async function publishing(
  url: string,
  what: What,
  flags: ClientFlags & { readonly key?: string } = {},
  input = '',
): Promise<{ printed: string[]; said: string[]; error?: Error }> {
  const printed: string[] = [];
  const said: string[] = [];
  await publish(url, what, flags, {
    input: Readable.from(input === '' ? [] : [input]),
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
  }).catch((error: Error) => {
    if (input === '') throw error;
    said.push(error.message);
  });
  return { printed, said };
}
