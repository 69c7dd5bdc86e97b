import { createRequire } from 'node:module';
import type { FayeClient, FayeClientExtension } from './faye-driver.ts';

const require = createRequire(import.meta.url);

const jsforce: {
  Connection: new (options: {
    instanceUrl: string;
    accessToken: string;
    version: string;
  }) => {
    streaming: { createClient(extensions: readonly FayeClientExtension[]): FayeClient };
  };
} = require('jsforce');

interface ReplayExtension extends FayeClientExtension {
  /** The id of the event it saw last. */
  readonly _replay: number;
}

/** The extensions that jsforce publishes for its streaming client. */
export const {
  StreamingExtension,
}: {
  StreamingExtension: { Replay: new (channel: string, replayId: number) => ReplayExtension };
} = require('jsforce/lib/api/streaming');

/** jsforce's streaming client, which tries again soon: the Faye it brings, with its token, on `/cometd/<version>`. */
export function jsforceClient(
  origin: string,
  extensions: readonly FayeClientExtension[] = [],
  accessToken = 'token',
): FayeClient {
  const connection = new jsforce.Connection({ instanceUrl: origin, accessToken, version: '59.0' });
  const client = connection.streaming.createClient(extensions);
  client._dispatcher.retry = 0.1;
  return client;
}
