import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../docs/free-port.ts';

/** Replaces a part of a configuration. Throws when it is not there. */
type Change = readonly [from: string, to: string];

/** A proxy of Debian, run with the configuration that this project ships. */
export interface ProxyProgram {
  readonly name: 'nginx' | 'haproxy';
  readonly isInstalled: boolean;
  /** The shipped configuration. */
  readonly file: string;
  /** The changes that make it cut idle connections so soon. */
  cutsAfter(seconds: number): readonly Change[];
  /** Makes it serve TLS with the test's certificate. */
  readonly tls: readonly Change[];
}

/** One that runs. */
export interface RunningProxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly origin: string;
  /** The access log so far. */
  log(): string;
}

const tlsFolder = new URL('../cli/tls/', import.meta.url).pathname;
const isThere = (command: string) => spawnSync(command, ['-v'], { stdio: 'ignore' }).status === 0;

const nginx: ProxyProgram = {
  name: 'nginx',
  isInstalled: isThere('nginx'),
  file: 'deploy/nginx/bayeuxd.conf',
  cutsAfter: (seconds) => [['proxy_read_timeout 75s', `proxy_read_timeout ${seconds}s`]],
  tls: [
    ['listen 80;', ''],
    ['# TLS: listen 443 ssl http2', 'listen 80 ssl http2'],
    ['# TLS: ssl_certificate     /etc/ssl/push.example.com.pem', `ssl_certificate ${tlsFolder}cert.pem`],
    ['# TLS: ssl_certificate_key /etc/ssl/push.example.com.key', `ssl_certificate_key ${tlsFolder}key.pem`],
  ],
};

const haproxy: ProxyProgram = {
  name: 'haproxy',
  isInstalled: isThere('haproxy'),
  file: 'deploy/haproxy/haproxy.cfg',
  cutsAfter: (seconds) =>
    ['client', 'server', 'tunnel'].map((side): Change => {
      const line = `timeout ${side}          `;
      return [`${line}75s`, `${line}${seconds}s`];
    }),
  tls: [
    ['bind :80', ''],
    ['# TLS: bind :443 ssl crt /etc/haproxy/push.example.com.pem', 'bind :80 ssl crt FOLDER/both.pem'],
  ],
};

export const proxies = [nginx, haproxy] as const;
for (const { name, isInstalled } of proxies)
  if (!isInstalled)
    process.stderr.write(`specs of ${name} skipped: it is not installed (apt-get install ${name})\n`);

/** Starts a proxy in front of this server, until the test ends. */
export async function proxyFor(
  proxy: ProxyProgram,
  server: string,
  changes: readonly Change[] = [],
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  const port = await freePort();
  const shipped = readFileSync(proxy.file, 'utf8');
  const host = `127.0.0.1:${port}`;
  const all: readonly Change[] = [...changes, ...placesOf(proxy, host, new URL(server).host, folder)];
  const config = all.reduce(changed, shipped).replaceAll('FOLDER', folder);
  const child = proxy.name === 'nginx' ? startNginx(folder, config) : startHaproxy(folder, config);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  onTestFinished(async () => {
    await ended(child);
    rmSync(folder, { recursive: true });
  });
  const isUp = async () => {
    if (child.exitCode !== null) throw new Error(`${proxy.name} ended: ${output}`);
    return accepts(port);
  };
  await expect.poll(isUp, { timeout: 10_000 }).toBe(true);
  const log = () => (proxy.name === 'nginx' ? readFileSync(`${folder}/access.log`, 'utf8') : output);
  return { host, origin: `http://${host}`, log };
}

function changed(text: string, [from, to]: Change): string {
  if (!text.includes(from)) throw new Error(`the configuration has no «${from}»`);
  return text.replace(from, to);
}

/** What differs from the machine that the configuration is written for. */
function placesOf({ name }: ProxyProgram, host: string, server: string, folder: string): Change[] {
  const upstream: Change = ['127.0.0.1:8000', server];
  return name === 'nginx'
    ? [upstream, ['listen 80', `listen ${host}`], ['/var/log/nginx/bayeuxd.log', `${folder}/access.log`]]
    : [upstream, ['bind :80', `bind ${host}`], ['maxconn 20000', 'maxconn 2000']];
}

function startNginx(folder: string, config: string): ChildProcess {
  const file = `${folder}/bayeuxd.conf`;
  writeFileSync(file, config);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const main = [
    `daemon off; master_process off; pid ${folder}/pid;`,
    'events { worker_connections 2048; }',
    `http { access_log off; ${temp.join(' ')} include ${file}; }`,
  ];
  writeFileSync(`${folder}/nginx.conf`, main.join('\n'));
  return spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`]);
}

function startHaproxy(folder: string, config: string): ChildProcess {
  const pems = ['cert', 'key'].map((name) => readFileSync(`${tlsFolder}${name}.pem`, 'utf8'));
  writeFileSync(`${folder}/both.pem`, pems.join('\n'));
  writeFileSync(`${folder}/haproxy.cfg`, config);
  return spawn('haproxy', ['-db', '-f', `${folder}/haproxy.cfg`]);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
