#!/usr/bin/env node
// `npm run setup`: installs what the tests need beyond npm: Chromium, and CometD's Java clients where there is Java and Maven.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { prepare, versions } from '../spec/interop/java/clients.js';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const say = (line) => process.stdout.write(`setup: ${line}\n`);

function browser() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

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

// Ubuntu has it by the second name.
const install = (name) => apt('install', '-y', '--no-install-recommends', name);
const installed = () => apt('update') && (install('chromium') || install('chromium-browser')) && browser();

if (browser()) {
  say(`Chromium is there: ${browser()}`);
} else if (isDebian() && process.getuid?.() === 0) {
  if (installed()) say(`Chromium was installed: ${browser()}`);
  else process.exitCode = 1;
} else {
  say(isDebian() ? 'please run, as root: apt-get install chromium' : 'please install Chromium or Chrome,');
  say(`so that the PATH has one of ${names.join(', ')}.`);
  say('Without it `npm test` skips the browser suites and says so.');
}

for (const version of versions) {
  const why = prepare(version);
  say(
    `CometD's Java client ${version.cometd} ${why === undefined ? 'is ready' : `is not there, its specs are skipped: ${why}`}`,
  );
}
