// CometD's Java clients, made ready by `npm run setup`: jars by Maven, Client.java compiled.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The versions that are tried, with the Jetty each was made for. */
export const versions = [
  { cometd: '8.0.10', jetty: '12.0.25', ee: 'ee10' },
  { cometd: '9.0.0', jetty: '12.1.2', ee: 'ee10' },
].map((one) => ({ ...one, folder: here(`../../../node_modules/.cache/java-clients/${one.cometd}`) }));

export const classPath = (folder) =>
  [`${folder}/classes`, `${folder}/lib/*`].join(process.platform === 'win32' ? ';' : ':');

export const isReady = (folder) => existsSync(`${folder}/classes/Client.class`);

/** Why a version is not there; undefined when it is. */
export function prepare({ cometd, jetty, ee, folder }) {
  const run = (command, args) => spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  if (run('javac', ['-version']).status !== 0) return 'there is no javac (JDK 17 or later)';
  if (run('mvn', ['--version']).status !== 0) return 'there is no Maven';
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}/lib`];
  const set = [`-Dcometd=${cometd}`, `-Djetty=${jetty}`, `-Dee=${ee}`];
  const copied = run('mvn', ['-q', '-B', '-f', here('./pom.xml'), ...goal, ...set]);
  if (copied.status !== 0) return `Maven could not fetch it: ${copied.stdout.split('\n')[0]}`;
  const compiled = run('javac', [
    '-nowarn',
    '-d',
    `${folder}/classes`,
    '-cp',
    `${folder}/lib/*`,
    here('./Client.java'),
  ]);
  return compiled.status === 0 ? undefined : `Client.java does not compile: ${compiled.stderr}`;
}
