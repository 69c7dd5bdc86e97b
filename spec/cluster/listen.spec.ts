import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LinkedPeers } from '../../src/cluster/linked-peers.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newNode } from '../../src/lib/node-name.ts';
import { nodeSide, peerHandler } from '../support/node-side.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { folder, file } = tempFolder();

/** Takes links at an address, for as long as the test. */
function open(listen: string, advertise?: string): Promise<string> {
  const settings = { listen, ...(advertise !== undefined && { advertise }) };
  const peers = new LinkedPeers({ node: newNode(), clock: systemClock, settings });
  onTestFinished(() => peers.close());
  peers.serve(peerHandler());
  return peers.open(nodeSide());
}

it('other nodes are told where links are taken, with the port that was free', async () => {
  expect(await open('127.0.0.1:0')).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  expect(await open('127.0.0.1:0', 'one.example.com:8001')).toBe('one.example.com:8001');
  expect(await open(join(folder, 'one'))).toBe(join(folder, 'one'));
});

it('a socket file that a killed process left is taken over', async () => {
  const path = join(folder, 'stale');
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(spawnSync(process.execPath, ['-e', program]).signal).toBe('SIGKILL');
  expect(existsSync(path)).toBe(true);
  expect(await open(path)).toBe(path);
});

it('a socket file of a living process is left alone', async () => {
  const path = await open(join(folder, 'living'));
  await expect(open(path)).rejects.toThrow(`cluster.listen: ${path} is in use by another process`);
  expect(existsSync(path)).toBe(true);
});

it.each([
  ['any other file', () => file('text', 'x'), 'is there already and is a file: remove it'],
  ['a folder', () => folder, 'is there already and is a directory'],
  ['a file in no folder', () => join(folder, 'none', 'x'), 'not write to the folder of the file'],
  ['a port that is in use', () => open('127.0.0.1:0'), 'is in use by another process: name another port'],
  ['an address of no interface', () => '192.0.2.1:0', 'is no address of this machine'],
])('%s is refused', async (_what, address, why) => {
  await expect(open(await address())).rejects.toThrow(why);
});
