import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';

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
  /** Makes it open a connection to a node for each request. */
  readonly withoutKeepAlive: readonly Change[];
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

export const nginx: ProxyProgram = {
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
  withoutKeepAlive: [
    ['keepalive 64;', ''],
    ['keepalive_timeout 60s;', ''],
    ['keepalive_requests 100000;', ''],
    ["''      '';", "''      close;"],
  ],
};

export const haproxy: ProxyProgram = {
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
  withoutKeepAlive: [['http-reuse safe', 'option http-server-close']],
};

export const proxies = [nginx, haproxy] as const;
for (const { name, isInstalled } of proxies)
  if (!isInstalled)
    process.stderr.write(`specs of ${name} skipped: it is not installed (apt-get install ${name})\n`);

/** Starts a proxy in front of this server, or of these nodes as docs/cluster.md shows it, until the test ends. */
export async function proxyFor(
  proxy: ProxyProgram,
  servers: string | readonly string[],
  changes: readonly Change[] = [],
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'));
  const port = await freePort();
  const shipped = readFileSync(proxy.file, 'utf8');
  const host = `127.0.0.1:${port}`;
  const upstream: readonly Change[] =
    typeof servers === 'string'
      ? [['127.0.0.1:8000', new URL(servers).host]]
      : severalNodes(proxy, shipped, servers);
  const all: readonly Change[] = [...upstream, ...changes, ...placesOf(proxy, host, folder)];
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
function placesOf({ name }: ProxyProgram, host: string, folder: string): Change[] {
  return name === 'nginx'
    ? [
        ['listen 80', `listen ${host}`],
        ['/var/log/nginx/bayeuxd.log', `${folder}/access.log`],
      ]
    : [
        ['bind :80', `bind ${host}`],
        ['maxconn 20000', 'maxconn 2000'],
      ];
}

/** Puts what docs/cluster.md says instead of the one server that is shipped, with these nodes. */
function severalNodes({ name, file }: ProxyProgram, shipped: string, nodes: readonly string[]): Change[] {
  const page = readFileSync('docs/cluster.md', 'utf8');
  const documented = new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  const one = (name === 'nginx' ? /^upstream bayeuxd \{[^}]*\}/m : /^backend bayeuxd\n[\s\S]*/m).exec(
    shipped,
  )?.[0];
  if (documented === undefined || one === undefined)
    throw new Error(`there is nothing to exchange in docs/cluster.md and ${file}`);
  const addresses = documented.match(/10\.0\.0\.\d+:8000/g) ?? [];
  if (addresses.length !== nodes.length) throw new Error(`docs/cluster.md has ${addresses.length} nodes`);
  const changes = addresses.map((address, at): Change => [address, new URL(nodes[at] ?? '').host]);
  return [[one, documented], ...changes];
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
