import type { Readable } from 'node:stream';
import { type ApiFlags, keyOf } from './api-access.ts';
import { ApiPublisher } from './api-publisher.ts';
import { ArgumentError, ClientError } from './client-error.ts';
import { type ClientFlags, clientSettings } from './client-options.ts';
import { lineBatches } from './lines.ts';
import { type Publication, type Publisher, SessionPublisher } from './session-publisher.ts';

export interface PublishSurroundings {
  readonly input: Readable;
  print(line: string): void;
  say(line: string): void;
}

/** `channel` is `-` if each line of the input is an event. `json` is `-` if each line is the data of an event. */
export interface What {
  readonly channel: string;
  readonly json: string | undefined;
}

/** The flags as they were written. */
export type PublishFlags = ClientFlags & Pick<ApiFlags, 'key' | 'keyFile'>;

/** `bayeuxd publish`: publishes events and prints the result. Throws `ClientError` if one was refused. */
export async function publish(
  url: string,
  { channel, json }: What,
  flags: PublishFlags,
  around: PublishSurroundings,
): Promise<void> {
  const parse = parserOf(channel, json);
  const settings = clientSettings(flags);
  const found = keyOf(flags);
  const event = json === undefined || json === '-' ? undefined : parse(json);
  const publisher =
    found === undefined ? new SessionPublisher(url, settings) : new ApiPublisher(url, found.key, settings);
  try {
    if (event === undefined) await publishLines(publisher, parse, around);
    else await publishOne(publisher, event, around);
  } finally {
    await publisher.close();
  }
}

async function publishOne(
  publisher: Publisher,
  event: Publication,
  { print }: PublishSurroundings,
): Promise<void> {
  const [refusal] = await publisher.publish([event]);
  if (refusal !== undefined) throw new ClientError(refusal);
  print(`published to ${event.channel}`);
}

async function publishLines(
  publisher: Publisher,
  parse: Parse,
  { input, print, say }: PublishSurroundings,
): Promise<void> {
  let refused = 0;
  let total = 0;
  const refuse = (line: number, why: string) => {
    refused += 1;
    say(`line ${line}: ${why}`);
  };
  for await (const lines of lineBatches(input)) {
    const events: { line: number; event: Publication }[] = [];
    for (const { line, text } of lines) {
      total += 1;
      try {
        events.push({ line, event: parse(text) });
      } catch (error) {
        if (!(error instanceof ArgumentError)) throw error;
        refuse(line, error.message);
      }
    }
    if (events.length === 0) continue;
    const refusals = await publisher.publish(events.map(({ event }) => event));
    for (const [at, { line }] of events.entries()) {
      const why = refusals[at];
      if (why !== undefined) refuse(line, why);
    }
  }
  const published = total === 1 ? '1 event' : `${total} events`;
  if (refused > 0) throw new ClientError(`${refused} of ${published} were refused, the others published`);
  print(`published ${published}`);
}

type Parse = (text: string) => Publication;

function parserOf(channel: string, json: string | undefined): Parse {
  if (json === undefined && channel !== '-')
    throw new ArgumentError(
      `missing required argument 'json': the data, or - to publish the data on each line of standard input`,
    );
  return channel === '-' ? eventOf : (text) => ({ channel, data: dataOf(text) });
}

function dataOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ArgumentError(`${json} is not JSON; a string is written '"hello"'`, { cause });
  }
}

/** Parses an event as `bayeuxd subscribe` prints it. */
function eventOf(text: string): Publication {
  const event = dataOf(text);
  if (typeof event === 'object' && event !== null && 'channel' in event && 'data' in event) {
    const { channel, data } = event;
    if (typeof channel === 'string') return { channel, data };
  }
  throw new ArgumentError(`${text} is no event like {"channel":"/chat/news","data":1}`);
}
