import { randomBytes } from 'node:crypto';
import { Document } from 'yaml';
import { type ApiKey, hashOf, KeyRing } from '../http/api/key-ring.ts';
import { UsageError } from '../lib/usage-error.ts';
import { ChannelGrammar } from '../protocol/channel.ts';
import { ArgumentError } from './client-error.ts';

/** The flags as they were written. */
export interface KeyFlags {
  readonly name?: string;
  readonly rights?: string;
  readonly channels?: string;
  readonly rate?: string;
}

export interface KeyOutput {
  print(line: string): void;
  say(line: string): void;
}

// The widest rules: the server checks the names again by its own.
const grammar = new ChannelGrammar({
  channelNames: 'cometd',
  maxChannelLength: 1024,
  maxChannelSegments: 64,
});

/**
 * `bayeuxd key`: makes an API key. `print` gets the entry for `apiKeysFile`, `say` gets the key, so that the printed output
 * can be appended to the file. Throws `ArgumentError` for a key that a server would refuse.
 */
export function key(flags: KeyFlags, { print, say }: KeyOutput): void {
  const text = randomBytes(32).toString('hex');
  const name = flags.name ?? `key-${randomBytes(4).toString('hex')}`;
  const rights = listed(flags.rights ?? 'publish');
  const all = rights.includes('admin') ? undefined : '/**';
  const channels = flags.channels === undefined ? all : flags.channels;
  const fields = {
    hash: hashOf(text),
    rights,
    ...(channels !== undefined && { channels: listed(channels) }),
    ...(flags.rate !== undefined && { rate: Number(flags.rate) }),
  };
  check({ name, ...fields });
  const document = new Document({});
  for (const [field, value] of Object.entries(fields))
    document.setIn([name, field], document.createNode(value, { flow: true }));
  print(document.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd());
  say(`the key "${name}", shown only once: ${text}`);
}

function check(made: { readonly name: string; readonly rights: readonly string[] }): void {
  try {
    // `KeyRing` checks the rights.
    void new KeyRing([made as ApiKey], grammar);
  } catch (error) {
    if (error instanceof UsageError) throw new ArgumentError(`a server would refuse it: ${error.message}`);
    throw error;
  }
}

function listed(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim());
}
