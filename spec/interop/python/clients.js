// The Python client aiocometd, made ready by `npm run setup` with pip.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where pip puts the client and what it needs. */
export const folder = fileURLToPath(new URL('../../../node_modules/.cache/python-clients', import.meta.url));
export const version = '0.4.5';

export const isReady = () => existsSync(`${folder}/aiocometd`);

/** Why the client is not there; undefined when it is. */
export function prepare() {
  if (isReady()) return undefined;
  const run = (...args) => spawnSync('python3', args, { encoding: 'utf8', timeout: 300_000 });
  if (run('-m', 'pip', '--version').status !== 0) return 'there is no python3 with pip';
  const wanted = [`aiocometd==${version}`, 'aiohttp<4'];
  const { status, stderr } = run('-m', 'pip', 'install', '-q', '--target', folder, ...wanted);
  return status === 0 ? undefined : `pip could not install it: ${stderr.split('\n')[0]}`;
}
