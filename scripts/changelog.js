#!/usr/bin/env node
// Keeps CHANGELOG.md in step with versions.
//   changelog.js release       dates the section of the version in package.json; run by `npm version`
//   changelog.js notes 1.2.3   prints the section of that version; exit code 1 if it is missing, or package.json differs
import { readFileSync, writeFileSync } from 'node:fs';

const [, , command, wanted] = process.argv;
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const text = readFileSync('CHANGELOG.md', 'utf8');

function fail(message) {
  process.stderr.write(`changelog: ${message}\n`);
  process.exit(1);
}

/** The lines of a section, without its heading. */
function section(name) {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`## ${name} (`));
  if (start === -1) return undefined;
  const end = lines.findIndex((line, at) => at > start && line.startsWith('## '));
  return {
    heading: lines[start],
    body: lines
      .slice(start + 1, end === -1 ? undefined : end)
      .join('\n')
      .trim(),
  };
}

if (command === 'release') {
  // `npm version` has already written the new version to package.json. The unreleased section may have another number.
  const heading = /^## (\S+) \(unreleased\)$/m.exec(text);
  if (heading === null) fail('CHANGELOG.md has no section "## X.Y.Z (unreleased)": nothing to release');
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync('CHANGELOG.md', text.replace(heading[0], `## ${version} (${date})`));
} else if (command === 'notes') {
  if (wanted !== version) fail(`the package is ${version}, not ${wanted}`);
  const found = section(wanted);
  if (found === undefined) fail(`CHANGELOG.md has no section of ${wanted}`);
  if (found.heading.endsWith('(unreleased)'))
    fail(`the section of ${wanted} has no date: release it with "npm version"`);
  process.stdout.write(`${found.body}\n`);
} else fail('usage: changelog.js release | changelog.js notes VERSION');
