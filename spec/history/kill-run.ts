import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { HttpClient } from '../long/http-client.ts';
import { folder } from './folder.ts';

const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));

const PUBLISHERS = 8;
/** Publishes in one request. */
const BATCH = 5;

type Wire = { readonly [key: string]: unknown };

/** An event as a subscriber gets it. */
interface Told {
  readonly id: number;
  readonly token: string;
}

/**
 * Runs the program with a history in a folder, publishes to it, and kills it when a random number of publishes were answered;
 * so many times. After each restart everything that was answered, and everything that a subscriber had got, is there, under the
 * id it had, and continuity with what was there before is proven.
 */
export async function survivesKills(times: number, { sync, most }: { sync: boolean; most: number }) {
  const config = configured(sync);
  const ids = new Map<number, string>();
  let answered = 0;
  let newest = -2;
  let before: Loaded = { tokens: [], heard: [] };
  for (let round = 0; ; round += 1) {
    const program = await launch(config);
    const { recovered, events } = await replay(program.url, newest);
    expect(recovered).toBe(round > 0);
    check(before, events);
    note(ids, events);
    newest = events.at(-1)?.id ?? newest;
    if (round === times) return { answered, stored: ids.size };

    before = await loadUntilKilled(program, `${round}`, 1 + Math.floor(Math.random() * most));
    answered += before.tokens.length;
  }
}

/** What was promised is there. */
function check({ tokens, heard }: Loaded, events: readonly Told[]): void {
  const there = new Map(events.map(({ id, token }) => [token, id]));
  expect(tokens.filter((token) => !there.has(token))).toEqual([]);
  expect(heard.filter(({ token, id }) => there.get(token) !== id)).toEqual([]);
}

/** Nothing is there twice, no id stands for two events, and order is that of ids. */
function note(ids: Map<number, string>, events: readonly Told[]): void {
  const tokens = new Set(ids.values());
  let last = Math.max(0, ...ids.keys());
  for (const { id, token } of events) {
    expect(id).toBeGreaterThan(last);
    expect(tokens.has(token)).toBe(false);
    ids.set(id, token);
    tokens.add(token);
    last = id;
  }
}

function configured(sync: boolean): string {
  const place = folder();
  const file = join(place, 'bayeuxd.json');
  const channels = { '/kept/**': { history: { maxEvents: 1_000_000 } } };
  const history = { path: join(place, 'history'), sync };
  writeFileSync(file, JSON.stringify({ port: 0, demo: false, logLevel: 'error', channels, history }));
  return file;
}

/** What a program had said before it was killed: the publishes it answered, and the events a subscriber got. */
interface Loaded {
  readonly tokens: readonly string[];
  readonly heard: readonly Told[];
}

interface Program {
  readonly url: string;
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

async function launch(config: string): Promise<Program> {
  const child = spawn(process.execPath, [bin, '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  const listens = /Bayeux +(\S+)$/m;
  while (!listens.test(output)) {
    const ended = await Promise.race([exited.then(() => true), once(child.stdout, 'data').then(() => false)]);
    if (ended) throw new Error(`the program ended: ${output}`);
  }
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { url: listens.exec(output)?.[1] ?? '', child, kill };
}

/** Publishes until so many were answered, and kills the program in the midst of the others. */
async function loadUntilKilled(program: Program, round: string, wanted: number): Promise<Loaded> {
  const client = new HttpClient(program.url, PUBLISHERS + 1);
  const tokens: string[] = [];
  const heard: Told[] = [];
  const onAnswer = (token: string) => {
    tokens.push(token);
    if (tokens.length === wanted) program.child.kill('SIGKILL');
  };
  const working = [
    listen(client, heard),
    ...range(PUBLISHERS).map((at) => publish(client, `${round}.${at}`, onAnswer)),
  ];
  // Each ends with its connection.
  await Promise.allSettled(working);
  expect(program.child.killed).toBe(true);
  await program.kill();
  client.close();
  return { tokens, heard };
}

async function publish(client: HttpClient, who: string, onAnswer: (token: string) => void): Promise<never> {
  const clientId = await greet(client);
  for (let sent = 0; ; sent += BATCH) {
    const batch = range(BATCH).map((at) => ({
      channel: `/kept/${(sent + at) % 6}`,
      clientId,
      id: `${who}.${sent + at}`,
      data: { token: `${who}.${sent + at}`, text: 'x'.repeat(150) },
    }));
    for (const { id, successful } of await client.post(batch)) if (successful === true) onAnswer(String(id));
  }
}

async function listen(client: HttpClient, heard: Told[]): Promise<never> {
  const clientId = await greet(client);
  await client.post({ channel: '/meta/subscribe', clientId, subscription: '/kept/**' });
  for (;;) heard.push(...(await connect(client, clientId)).flatMap(told));
}

/** Everything behind an id, up to an event that is published for it. */
async function replay(url: string, after: number): Promise<{ recovered: unknown; events: Told[] }> {
  const client = new HttpClient(url, 2);
  const clientId = await greet(client);
  const subscription = '/kept/**';
  const ext = { replay: { [subscription]: after } };
  const token = `end of ${after} ${Math.random()}`;
  const [reply] = await client.post({ channel: '/meta/subscribe', clientId, subscription, ext });
  expect(reply).toMatchObject({ successful: true });
  await client.post({ channel: '/kept/end', clientId: await greet(client), data: { token } });
  const events: Told[] = [];
  while (events.at(-1)?.token !== token) events.push(...(await connect(client, clientId)).flatMap(told));
  client.close();
  return { recovered: recoveredIn(reply, subscription), events };
}

async function greet(client: HttpClient): Promise<string> {
  const [welcome] = await client.post({
    channel: '/meta/handshake',
    version: '1.0',
    supportedConnectionTypes: ['long-polling'],
  });
  return String(welcome?.clientId);
}

function connect(client: HttpClient, clientId: string): Promise<readonly Wire[]> {
  return client.post({ channel: '/meta/connect', clientId, connectionType: 'long-polling' });
}

function told({ data, ext }: Wire): Told[] {
  if (!isObject(data) || !isObject(ext)) return [];
  return [{ id: Number(ext.replayId), token: String(data.token) }];
}

function recoveredIn(reply: Wire | undefined, subscription: string): unknown {
  const replays = isObject(reply?.ext) ? reply.ext.replay : undefined;
  const own = isObject(replays) ? replays[subscription] : undefined;
  return isObject(own) ? own.recovered : undefined;
}

const isObject = (value: unknown): value is Wire => typeof value === 'object' && value !== null;

const range = (length: number) => Array.from({ length }, (_, at) => at);
