#!/usr/bin/env node
// `npm run setup`: installs test tools that npm does not: Chromium, Prometheus, nginx, HAProxy, Redis, shells, interpreters of other languages,
// CometD's Java clients if Java and Maven are there, and the Python client aiocometd if pip is.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { prepare, versions } from '../spec/interop/java/clients.js';
import { prepare as preparePython, version as aiocometd } from '../spec/interop/python/clients.js';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const say = (line) => process.stdout.write(`setup: ${line}\n`);

/** The interpreters that run the documentation's code in other languages, each with its package. */
const interpreters = { php: 'php-cli', python3: 'python3', ruby: 'ruby' };

function found(...commands) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => commands.map((name) => join(folder, name))).find(isExecutable);
}

const browser = () => found(...names);

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function apt(...args) {
  say(['apt-get', ...args].join(' '));
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { stdio: 'inherit', env }).status === 0;
}

// Ubuntu's package has the second name.
const install = (name) => apt('install', '-y', '--no-install-recommends', name);
const installed = () => apt('update') && (install('chromium') || install('chromium-browser')) && browser();

const mayInstall = isDebian() && process.getuid?.() === 0;

if (browser()) {
  say(`Chromium is installed: ${browser()}`);
} else if (mayInstall) {
  if (installed()) say(`Chromium is installed now: ${browser()}`);
  else process.exitCode = 1;
} else {
  say(
    `Chromium is missing. ${isDebian() ? 'As root, run: apt-get install chromium' : 'Install Chromium or Chrome.'}`,
  );
  say(`The PATH must have one of ${names.join(', ')}.`);
  say('Without it `npm test` skips the browser suites and says so.');
}

// Specs run these. Without one its specs are skipped, so a failure here fails nothing.
for (const [name, flag] of [
  ['prometheus', '--version'],
  ['nginx', '-v'],
  ['haproxy', '-v'],
  ['zsh', '--version'],
  ['fish', '--version'],
  ['redis-server', '--version'],
]) {
  const isThere = () => spawnSync(name, [flag], { stdio: 'ignore' }).status === 0;
  if (isThere() || (mayInstall && apt('update') && install(name))) say(`${name} is installed`);
  else
    say(`${name} is missing, so its specs are skipped. As root on Debian or Ubuntu: apt-get install ${name}`);
}

const missing = Object.entries(interpreters).filter(([command]) => !found(command));
for (const [command, name] of missing) {
  if (mayInstall && apt('update') && install(name)) say(`${command} is installed now`);
  else say(`${command} is missing, so the documentation's code in its language is not run: install ${name}`);
}

for (const version of versions) {
  const why = prepare(version);
  say(
    `CometD's Java client ${version.cometd} ${why === undefined ? 'is ready' : `is missing, so its specs are skipped: ${why}`}`,
  );
}

const why = preparePython();
say(
  `the Python client aiocometd ${aiocometd} ${why === undefined ? 'is ready' : `is missing, so its specs are skipped: ${why}`}`,
);
