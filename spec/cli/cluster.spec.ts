import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/cli/check.ts';
import { clusterSettings } from '../../src/cli/cluster-links.ts';
import { loadConfig } from '../../src/cli/config.ts';
import { printConfig } from '../../src/cli/print-config.ts';
import { silent } from '../../src/lib/log.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import { problemsOf } from '../support/config-problems.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { file, folder } = tempFolder();
const redis = { '--redis': 'redis://ann:password@10.0.0.5:6379' };
const secret = 's'.repeat(32);
const pem = (name: string) => fileURLToPath(new URL(`tls/${name}.pem`, import.meta.url));
const tls = {
  '--cluster-tls-cert-file': pem('cert'),
  '--cluster-tls-key-file': pem('key'),
  '--cluster-tls-ca-file': pem('cert'),
};

type Flags = Readonly<Record<string, string>>;
const load = (flags: Flags) => loadConfig((flag) => flags[flag], {});

/** What `--check` says of these flags: words at the end, or the problems. */
async function checked(flags: Flags): Promise<string> {
  try {
    return (await check(load({ ...redis, ...flags }), silent)).slice(2).join('\n');
  } catch (error) {
    return String(error);
  }
}

it.each([
  [{ '--cluster-listen': '10.0.0.1:8001' }, '--cluster-listen: cluster.listen needs redis.url too'],
  [{ '--cluster-secret': secret }, '--cluster-secret: cluster.secret needs redis.url too'],
  [
    { ...redis, '--cluster-secret': secret, '--cluster-advertise': '10.0.0.1:1' },
    '--cluster-advertise: cluster.advertise has no effect without cluster.listen',
  ],
  [
    { ...redis, '--cluster-listen': '10.0.0.1' },
    '--cluster-listen: cluster.listen must be host:port, [IPv6]:port or the path of a socket file, got "10.0.0.1"',
  ],
  [
    { ...redis, '--cluster-listen': '/run/1', '--cluster-secret': secret, '--cluster-secret-file': 'x' },
    '--cluster-secret-file: cluster.secretFile and cluster.secret exclude each other: leave one out',
  ],
  [
    {
      ...redis,
      '--cluster-listen': '10.0.0.1:1',
      '--cluster-secret': secret,
      '--cluster-tls-cert-file': 'x',
    },
    '--cluster-tls-cert-file: cluster.tls needs certFile, keyFile and caFile: give all three',
  ],
  [
    { ...redis, '--cluster-listen': '/run/1', '--cluster-secret': 'hush' },
    '--cluster-secret: cluster.secret must be at least 32 characters, not `<redacted>`',
  ],
])('refuses %j', (flags, problem) => {
  expect(problemsOf(flags)).toEqual([problem]);
});

it.each([
  [
    { '--cluster-listen': '10.0.0.1:8001' },
    '--cluster-listen: cluster.listen on a TCP port needs cluster.secret',
  ],
  [
    { '--cluster-listen': '0.0.0.0:8001', '--cluster-secret': secret },
    '--cluster-listen: cluster.listen "0.0.0.0:8001" is no address that other nodes can reach',
  ],
  [
    { '--cluster-listen': '/run/1', '--cluster-advertise': '10.0.0.1:1' },
    '--cluster-advertise: cluster.advertise and cluster.listen must both be a port',
  ],
  [
    { '--cluster-listen': '/run/1', '--cluster-secret-file': '/none' },
    '--cluster-secret-file: cluster.secretFile "/none" cannot be read: there is no such file',
  ],
  [
    {
      '--cluster-listen': '10.0.0.1:8001',
      '--cluster-secret': secret,
      ...tls,
      '--cluster-tls-key-file': '/none',
    },
    '--cluster-tls-key-file: cluster.tls.keyFile "/none" cannot be read: there is no such file',
  ],
  [
    {
      '--cluster-listen': '10.0.0.1:8001',
      '--cluster-secret': secret,
      ...tls,
      '--cluster-tls-key-file': pem('other-key'),
    },
    'and the other two files do not fit',
  ],
  [{ '--cluster-listen': '/none/1' }, 'cluster.listen: /none/1 cannot be made: its folder is missing'],
])('--check refuses %j', async (flags, problem) => {
  expect(await checked(flags)).toContain(problem);
});

describe('--check says in words', () => {
  const where = 'This node is one of the cluster "bayeux" on the Redis at 10.0.0.5:6379.';

  it('that requests are forwarded through Redis, where there are no links', async () => {
    expect(await checked({})).toBe(
      `${where}\nClients may come to any node. Requests are forwarded through Redis: links are faster, set cluster.listen.`,
    );
  });

  it('where other nodes reach this one, and that links are not encrypted', async () => {
    const listen = { '--cluster-listen': '0.0.0.0:8001', '--cluster-advertise': 'one:8001' };
    const words = `${where}\nClients may come to any node. Other nodes reach this one at one:8001.`;
    expect(await checked({ ...listen, '--cluster-secret': secret })).toBe(
      `${words} The links are not encrypted: let no other network reach them, or set cluster.tls.`,
    );
    expect(await checked({ ...listen, '--cluster-secret': secret, ...tls })).toBe(words);
  });

  it('where its socket file is', async () => {
    expect(await checked({ '--cluster-listen': `${folder}/1` })).toBe(
      `${where}\nClients may come to any node. Other nodes reach this one at ${folder}/1.`,
    );
  });
});

it('takes the files of TLS from flags', () => {
  const listen = { ...redis, '--cluster-listen': '10.0.0.1:8001', '--cluster-secret': secret };
  expect(load({ ...listen, ...tls }).program.cluster.tls).toEqual({
    certFile: pem('cert'),
    keyFile: pem('key'),
    caFile: pem('cert'),
  });
});

describe('the secret of the cluster', () => {
  it('is read from a file, and others that may read it are warned of', () => {
    const path = file('secret', `${secret}\n`);
    const { cluster } = load({
      ...redis,
      '--cluster-listen': '10.0.0.1:8001',
      '--cluster-secret-file': path,
    }).program;
    const warnings: LogEvent[] = [];
    const settings = () => clusterSettings(cluster, (event) => void warnings.push(event));
    chmodSync(path, 0o600);
    expect(settings()).toEqual({ listen: '10.0.0.1:8001', secret });
    expect(warnings).toEqual([]);
    chmodSync(path, 0o644);
    settings();
    expect(warnings).toMatchObject([{ event: 'cluster.secret_file_open', file: path, mode: '644' }]);
  });

  it('does for nodes without links too', () => {
    const { cluster } = load({ ...redis, '--cluster-secret': secret }).program;
    expect(clusterSettings(cluster, silent)).toEqual({ secret });
    expect(clusterSettings(load(redis).program.cluster, silent)).toBe(undefined);
  });

  it('is refused when the file has less than 32 characters', async () => {
    const path = file('short', 'hush-hush\n');
    const said = await checked({ '--cluster-listen': '/run/1', '--cluster-secret-file': path });
    expect(said).toContain('has less than 32 characters');
    expect(said).not.toContain('hush');
  });

  it('comes from a variable too, and is never printed', () => {
    const variables = { BAYEUXD_REDIS: redis['--redis'], BAYEUXD_CLUSTER_SECRET: secret };
    const config = loadConfig(() => undefined, { ...variables, BAYEUXD_CLUSTER_LISTEN: '10.0.0.1:8001' });
    expect(config.program.cluster).toMatchObject({ listen: '10.0.0.1:8001', secret });
    const printed = printConfig(config);
    expect(printed).toContain('cluster.secret is set (BAYEUXD_CLUSTER_SECRET) and not printed');
    expect(printed).not.toContain(secret);
  });
});
