import { group } from '../options/rows.ts';
import type { OptionTable, Resolved } from '../options/table.ts';

const address = {
  kind: 'string',
  pattern: /^(\/.|(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$)/,
  what: 'host:port, [IPv6]:port or the path of a socket file',
} as const;

const file = { kind: 'string', pattern: /./, what: 'a file name' } as const;

/** Options of the links between nodes. */
export const clusterRows = {
  cluster: group(
    'How this node reaches the others of `redis.url`, so that a client may come to any node. Without `listen` the nodes forward requests through Redis.',
    {
      listen: {
        ...address,
        doc: 'Address that takes links of other nodes, which are faster than Redis: a TCP port, or a socket file for nodes on one machine. Unset: this node has no links.',
      },
      advertise: {
        ...address,
        doc: 'Address at which other nodes reach this one. Unset: `cluster.listen`.',
      },
      secret: {
        kind: 'string',
        pattern: /^(?!<redacted>$)(?=.{32,})/s,
        what: 'at least 32 characters, not `<redacted>`',
        secret: true,
        doc: 'Secret of all nodes, by which they prove themselves to each other. A TCP port needs it.',
      },
      secretFile: {
        ...file,
        doc: 'File with the secret of `cluster.secret`. Only its owner should have access to it.',
      },
      tls: group(
        'Encrypts the links. All nodes need certificates of one authority, for the names that they advertise.',
        {
          certFile: { ...file, doc: 'PEM file with the certificate of this node.' },
          keyFile: { ...file, doc: 'PEM file with the private key of `cluster.tls.certFile`.' },
          caFile: { ...file, doc: 'PEM file with the certificate of the authority.' },
        },
      ),
    },
  ),
} as const satisfies OptionTable;

export type ClusterOptions = Resolved<typeof clusterRows>['cluster'];

/** What contradicts each other in these options: the path of an option and the mistake. */
export function clusterContradictions(
  { listen, advertise, secret, secretFile, tls }: ClusterOptions,
  hasRedis: boolean,
): readonly (readonly [path: string, message: string])[] {
  const { certFile, keyFile, caFile } = tls;
  const files = { 'tls.certFile': certFile, 'tls.keyFile': keyFile, 'tls.caFile': caFile };
  const given = Object.entries({ listen, advertise, secret, secretFile, ...files }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`cluster.${name}`]),
  );
  if (!hasRedis) return given.map((path) => [path, `${path} needs redis.url too`]);
  const unlinked = listen === undefined ? given.filter((path) => !path.startsWith('cluster.secret')) : [];
  if (unlinked.length > 0)
    return unlinked.map((path) => [path, `${path} has no effect without cluster.listen`]);
  const problems: [string, string][] = [];
  if (secret !== undefined && secretFile !== undefined)
    problems.push([
      'cluster.secretFile',
      'cluster.secretFile and cluster.secret exclude each other: leave one out',
    ]);
  const ofTls = given.filter((path) => path.startsWith('cluster.tls.'));
  if (ofTls.length === 1 || ofTls.length === 2)
    problems.push([ofTls[0] ?? '', 'cluster.tls needs certFile, keyFile and caFile: give all three']);
  return problems;
}
