// Checks the HTTP API with schemathesis: node scripts/schemathesis.js [arguments for it]
// `/tail` is left out: its answers end only after events that somebody publishes.
// It needs Python with the module venv. It builds nothing: run `npm run build` first.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const VERSION = '4.32.5';
const KEY = 'a-key-for-schemathesis';

// With the same Idempotency-Key and another body, a valid request gets 422.
// OpenAPI cannot say that `last` excludes `after` and `limit`, nor that one of `session` and `user` is needed.
const settings = `[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]

[[operations]]
include-path = ["/history", "/explain"]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "429"]
`;

const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'));
const program = start();
try {
  const url = await urlOf(program);
  await openSession(url);
  run('python3', '-m', 'venv', join(folder, 'venv'));
  const bin = join(folder, 'venv', 'bin');
  run(join(bin, 'pip'), 'install', '--quiet', `schemathesis==${VERSION}`);
  process.exitCode = run(
    join(bin, 'schemathesis'),
    ...['--config-file', configured()],
    ...['run', `${url}/api/openapi.json`, '--header', `Authorization: Bearer ${KEY}`],
    ...[
      '--exclude-path',
      '/tail',
      '--checks',
      'all',
      '--max-examples',
      '200',
      '--seed',
      '1',
      ...process.argv.slice(2),
    ],
  );
} finally {
  program.kill();
  await once(program, 'exit');
  rmSync(folder, { recursive: true });
}

/** The program, with a durable channel, so that a history can be read. */
function start() {
  const file = join(folder, 'bayeuxd.json');
  writeFileSync(
    file,
    JSON.stringify({
      port: 0,
      apiKey: KEY,
      logLevel: 'warn',
      maxInterval: 3_600_000,
      channels: { '/**': { history: true, presence: true } },
    }),
  );
  return spawn(process.execPath, ['bin/bayeuxd.js', '--config', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function configured() {
  const file = join(folder, 'schemathesis.toml');
  writeFileSync(file, settings);
  return file;
}

async function openSession(url) {
  const handshake = {
    channel: '/meta/handshake',
    version: '1.0',
    supportedConnectionTypes: ['long-polling'],
  };
  const headers = { 'Content-Type': 'application/json' };
  await fetch(`${url}/bayeux`, { method: 'POST', headers, body: JSON.stringify([handshake]) });
}

async function urlOf({ stdout }) {
  for await (const line of createInterface({ input: stdout })) {
    const url = /HTTP API +(http:\S+)\/api/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the program did not start: npm run build first');
}

/** Runs a command to its end. The event loop need not go on: the program is another process. */
function run(command, ...args) {
  const { status, error } = spawnSync(command, args, {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined) throw error;
  if (status !== 0 && !command.endsWith('schemathesis')) throw new Error(`${command} failed`);
  return status;
}
