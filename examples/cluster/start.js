// Three nodes on one Redis behind nginx, on this machine: npm install bayeuxd @redis/client && node start.js
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

// nginx has the first port, the nodes the next three, Redis the fifth.
const port = Number(process.env.PORT ?? 8000);
const ports = { one: port + 1, two: port + 2, three: port + 3 };
const redis = port + 4;

const folder = mkdtempSync(join(tmpdir(), 'bayeuxd-cluster-'));
const bayeuxd = join(
  dirname(createRequire(import.meta.url).resolve('bayeuxd/package.json')),
  'bin/bayeuxd.js',
);
const children = new Set();
let isEnding = false;

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);

run('redis', 'redis-server', ['--port', redis, '--bind', '127.0.0.1', '--save', '', '--dir', folder]);
await accepts(redis);
for (const name of Object.keys(ports)) startNode(name);
for (const one of Object.values(ports)) await isReady(one);
run('nginx', 'nginx', ['-p', folder, '-e', 'stderr', '-c', nginxConfig()]);
await accepts(port);
console.log(`The chat is at http://127.0.0.1:${port}/ - Ctrl-C stops everything.`);

function startNode(name) {
  const node = run(name, process.execPath, [
    ...[bayeuxd, '--port', ports[name], '--demo'],
    ...['--redis', `redis://127.0.0.1:${redis}`, '--cluster-listen', join(folder, `${name}.sock`)],
  ]);
  console.log(`Node ${name}: http://127.0.0.1:${ports[name]}/, process ${node.pid}`);
  node.once('exit', async (_code, signal) => {
    if (isEnding) return;
    console.log(`Node ${name} has ended (${signal}). It starts again in 10 s.`);
    await wait(10_000);
    if (!isEnding) startNode(name);
  });
}

function run(name, command, args) {
  const child = spawn(command, args.map(String), { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  child.once('error', ({ code }) => {
    console.error(
      code === 'ENOENT' ? `${command} is not installed, or not on the PATH` : `${command}: ${code}`,
    );
    process.exit(1);
  });
  child.stderr.on('data', (text) => process.stderr.write(String(text).replace(/^(?=.)/gm, `${name}: `)));
  return child;
}

/** nginx.conf of this folder, with the ports in use. */
function nginxConfig() {
  const text = readFileSync(new URL('nginx.conf', import.meta.url), 'utf8');
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    text.replace(/\b800[0-3]\b/g, (shown) => String(Number(shown) - 8000 + port)),
  );
  return file;
}

async function accepts(where) {
  for (;;) {
    const socket = connect(where, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await wait(50);
  }
}

async function isReady(node) {
  await accepts(node);
  while (!(await fetch(`http://127.0.0.1:${node}/readyz`)).ok) await wait(50);
}

async function stop() {
  if (isEnding) return;
  isEnding = true;
  const all = [...children];
  for (const child of all) child.kill('SIGTERM');
  await Promise.race([Promise.all(all.map((child) => once(child, 'exit'))), wait(5_000)]);
  process.exit(0);
}
