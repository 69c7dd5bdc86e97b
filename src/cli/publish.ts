import type { Readable } from 'node:stream';
import { ApiPublisher } from './api-publisher.ts';
import { ArgumentError, ClientError } from './client-error.ts';
import { type ClientFlags, clientSettings } from './client-options.ts';
import { lineBatches } from './lines.ts';
import { type Publication, type Publisher, SessionPublisher } from './session-publisher.ts';

/** What `publish` needs of its surroundings. */
export interface PublishSurroundings {
  readonly input: Readable;
  print(line: string): void;
  say(line: string): void;
}

/** What is published: one event, the data of each line, or the event of each line. */
export interface What {
  readonly channel: string;
  readonly json: string | undefined;
}

/** `bayeuxd publish`: publishes, and says what became of it. Throws `ClientError` when something was refused. */
export async function publish(
  url: string,
  { channel, json }: What,
  flags: ClientFlags & { readonly key?: string },
  around: PublishSurroundings,
): Promise<void> {
  const read = readerOf(channel, json);
  const settings = clientSettings(flags);
  const one = json === undefined || json === '-' ? undefined : read(json);
  const publisher =
    flags.key === undefined
      ? new SessionPublisher(url, settings)
      : new ApiPublisher(url, flags.key, settings);
  try {
    if (one === undefined) await publishLines(publisher, read, around);
    else await publishOne(publisher, one, around);
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
  read: Read,
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
        events.push({ line, event: read(text) });
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

type Read = (text: string) => Publication;

function readerOf(channel: string, json: string | undefined): Read {
  if (json === undefined && channel !== '-')
    throw new ArgumentError(
      `missing required argument 'json': the data, or - for a line each of standard input`,
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

/** An event as `bayeuxd subscribe` prints it. */
function eventOf(text: string): Publication {
  const event = dataOf(text);
  if (typeof event === 'object' && event !== null && 'channel' in event && 'data' in event) {
    const { channel, data } = event;
    if (typeof channel === 'string') return { channel, data };
  }
  throw new ArgumentError(`${text} is no event like {"channel":"/chat/news","data":1}`);
}
