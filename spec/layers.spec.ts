import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const type = (from: string) => `export type { Planted } from '${from}';`;

const breaches = [
  ['src/lib/planted.ts', type('../protocol/message.ts')],
  ['src/lib/planted.ts', type('ajv')],
  ['src/protocol/planted.ts', type('../lib/json.ts')],
  ['src/protocol/planted.ts', type('../core/server.ts')],
  ['src/protocol/planted.ts', type('node:crypto')],
  ['src/options/planted.ts', type('../channels/channel-index.ts')],
  ['src/options/planted.ts', type('../core/server.ts')],
  ['src/channels/planted.ts', type('../ports/outbox.ts')],
  ['src/channels/planted.ts', type('node:fs')],
  ['src/ports/planted.ts', type('../transports/websocket.ts')],
  ['src/ports/planted.ts', type('../features/faye.ts')],
  ['src/core/planted.ts', type('../transports/websocket.ts')],
  ['src/core/planted.ts', type('../features/timesync.ts')],
  ['src/core/planted.ts', type('../features/history/level/level-history.ts')],
  ['src/core/planted.ts', type('../server.ts')],
  ['src/core/planted.ts', type('./server.ts')],
  ['src/core/planted.ts', type('../server-options.ts')],
  ['src/core/planted.ts', type('../channel-rule-table.ts')],
  ['src/core/delivery/planted.ts', type('../../server-options-types.ts')],
  ['src/core/planted.ts', type('node:fs')],
  ['src/core/planted.ts', type('express')],
  ['src/core/requests/planted.ts', type('../../http/middleware.ts')],
  ['src/core/requests/planted.ts', type('../server.ts')],
  ['src/core/requests/planted.ts', type('../../server.ts')],
  ['src/core/delivery/planted.ts', type('../../features/redelivery/ack.ts')],
  ['src/core/delivery/planted.ts', type('classic-level')],
  ['src/features/planted.ts', type('./faye.ts')],
  ['src/features/planted.ts', type('./redelivery/ack.ts')],
  ['src/features/planted.ts', type('../transports/websocket.ts')],
  ['src/features/planted.ts', type('../http/middleware.ts')],
  ['src/features/planted.ts', type('node:http')],
  ['src/features/planted.ts', type('../server-options.ts')],
  ['src/features/toy/planted.ts', type('../../server-features.ts')],
  ['src/features/toy/planted.ts', type('../faye.ts')],
  ['src/features/toy/planted.ts', type('../redelivery/ack.ts')],
  ['src/features/toy/planted.ts', type('../../cli/main.ts')],
  ['src/features/history/level/planted.ts', type('../../redelivery/ack.ts')],
  ['src/features/history/level/planted.ts', type('../../../http/middleware.ts')],
  ['src/features/history/level/planted.ts', type('express')],
  ['src/transports/planted.ts', type('../http/upgrade.ts')],
  ['src/transports/planted.ts', type('../features/faye.ts')],
  ['src/transports/planted.ts', type('express')],
  ['src/http/planted.ts', type('../cli/main.ts')],
  ['src/http/planted.ts', type('../features/history/level/level-history.ts')],
  ['src/http/planted.ts', type('../server.ts')],
  ['src/http/api/planted.ts', type('../../server.ts')],
  ['src/http/api/planted.ts', type('../../server-options.ts')],
  ['src/http/api/planted.ts', type('../../features/history/feature.ts')],
  ['src/transports/planted.ts', type('../server.ts')],
  ['src/transports/planted.ts', type('../server-options.ts')],
  ['src/http/planted.ts', type('../channel-rule-table.ts')],
  ['src/http/planted.ts', type('classic-level')],
  ['src/core/planted.ts', type('jose')],
  ['src/features/planted.ts', type('jose')],
  ['src/http/planted.ts', type('jose')],
  ['src/core/planted.ts', type('rate-limiter-flexible')],
  ['src/features/planted.ts', type('rate-limiter-flexible')],
  ['src/cli/planted.ts', type('classic-level')],
  ['src/cli/planted.ts', type('prom-client')],
  ['src/core/planted.ts', type('prom-client')],
  ['src/features/planted.ts', type('prom-client')],
  ['src/http/planted.ts', type('prom-client')],
  ['src/http/planted.ts', type('../metrics/metrics.ts')],
  ['src/core/planted.ts', type('../metrics/metrics.ts')],
  ['src/cli/planted.ts', type('@opentelemetry/api')],
  ['src/core/planted.ts', type('@opentelemetry/api')],
  ['src/features/toy/planted.ts', type('@opentelemetry/api')],
  ['src/http/planted.ts', type('../tracing/tracing.ts')],
  ['src/metrics/planted.ts', type('../tracing/tracing.ts')],
  ['src/tracing/planted.ts', type('../metrics/metrics.ts')],
  ['src/tracing/planted.ts', type('../features/timesync.ts')],
  ['src/tracing/planted.ts', type('../server.ts')],
  ['src/core/planted.ts', type('../redis/keys.ts')],
  ['src/core/planted.ts', type('ioredis')],
  ['src/features/planted.ts', type('@redis/client')],
  ['src/redis/planted.ts', type('../core/server.ts')],
  ['src/redis/planted.ts', type('../features/timesync.ts')],
  ['src/redis/connection/planted.ts', type('../../server.ts')],
  ['src/redis/scripts/planted.ts', type('pino')],
  ['src/metrics/planted.ts', type('../features/timesync.ts')],
  ['src/metrics/planted.ts', type('../cli/main.ts')],
  ['src/metrics/planted.ts', type('../server.ts')],
  ['src/metrics/planted.ts', type('express')],
  ['src/testing/planted.ts', type('../core/server.ts')],
  ['src/testing/planted.ts', type('../features/history/memory-history.ts')],
  ['src/testing/planted.ts', type('../http/attach.ts')],
  ['src/testing/planted.ts', type('../transports/http.ts')],
  ['src/testing/planted.ts', type('../cli/main.ts')],
  ['src/testing/planted.ts', type('../index.ts')],
  ['src/testing/planted.ts', type('vitest')],
  ['src/testing/planted.ts', type('fast-check')],
  ['src/lib/planted.ts', type('../testing/fake-clock.ts')],
  ['src/ports/planted.ts', type('../testing/fake-clock.ts')],
  ['src/core/delivery/planted.ts', type('../../testing/fake-clock.ts')],
  ['src/features/planted.ts', type('../testing/fake-clock.ts')],
  ['src/transports/planted.ts', type('../testing/fake-clock.ts')],
  ['src/http/planted.ts', type('../testing/fake-clock.ts')],
  ['src/cli/planted.ts', type('../testing/fake-clock.ts')],
  ['src/planted.ts', type('./testing/fake-clock.ts')],
  ['src/cluster/planted.ts', type('../core/server.ts')],
  ['src/cluster/planted.ts', type('../transports/http-exchange.ts')],
  ['src/cluster/planted.ts', type('../server.ts')],
  ['src/cluster/planted.ts', type('node:http')],
  ['src/cluster/planted.ts', type('../options/rows.ts')],
  ['src/cluster/planted.ts', type('../redis/redis-engine.ts')],
  ['src/ports/planted.ts', type('../cluster/link.ts')],
  ['src/core/planted.ts', type('../cluster/link.ts')],
  ['src/features/planted.ts', type('../cluster/link.ts')],
  ['src/transports/planted.ts', type('../cluster/link.ts')],
  ['src/http/planted.ts', type('../cluster/link.ts')],
  ['src/metrics/planted.ts', type('../cluster/link.ts')],
] as const;

const allowed = [
  ['src/lib/planted.ts', type('./clock.ts')],
  ['src/lib/planted.ts', type('node:crypto')],
  ['src/options/planted.ts', type('../lib/json.ts')],
  ['src/channels/planted.ts', type('../protocol/channel.ts')],
  ['src/ports/planted.ts', type('../channels/channel-index.ts')],
  ['src/ports/planted.ts', type('../lib/clock.ts')],
  ['src/core/planted.ts', type('node:crypto')],
  ['src/core/planted.ts', type('../ports/conduit.ts')],
  ['src/core/delivery/planted.ts', type('../../lib/clock.ts')],
  ['src/features/planted.ts', type('../ports/session.ts')],
  ['src/features/toy/planted.ts', type('./part.ts')],
  ['src/features/auth/planted.ts', type('jose')],
  ['src/features/governor/planted.ts', type('rate-limiter-flexible')],
  ['src/features/toy/planted.ts', type('../../ports/session.ts')],
  ['src/features/toy/planted.ts', type('../../options/rows.ts')],
  ['src/features/history/level/planted.ts', type('../page.ts')],
  ['src/features/history/level/planted.ts', type('../../../ports/history-store.ts')],
  ['src/features/history/level/planted.ts', type('classic-level')],
  ['src/transports/planted.ts', type('../core/server.ts')],
  ['src/http/planted.ts', type('../core/server.ts')],
  ['src/http/planted.ts', type('../transports/websocket.ts')],
  ['src/http/api/planted.ts', type('../../core/server.ts')],
  ['src/cli/planted.ts', type('../http/middleware.ts')],
  ['src/cluster/planted.ts', type('../ports/peers.ts')],
  ['src/cluster/planted.ts', type('node:net')],
  ['src/cli/planted.ts', type('../cluster/linked-peers.ts')],
  ['src/redis/planted.ts', type('../cluster/linked-peers.ts')],
  ['src/cli/planted.ts', type('../metrics/metrics.ts')],
  ['src/tracing/planted.ts', type('@opentelemetry/api')],
  ['src/tracing/planted.ts', type('../http/middleware.ts')],
  ['src/metrics/planted.ts', type('prom-client')],
  ['src/metrics/planted.ts', type('../http/middleware.ts')],
  ['src/metrics/planted.ts', type('../core/load.ts')],
  ['src/cli/planted.ts', type('../server.ts')],
  ['src/testing/planted.ts', type('../server.ts')],
  ['src/testing/planted.ts', type('../ports/engine.ts')],
  ['src/testing/planted.ts', type('../lib/clock.ts')],
  ['src/testing/planted.ts', type('./runner.ts')],
  ['src/testing/planted.ts', type('node:http')],
] as const;

/** Each import in a file of its own, since one run of the linter for all of them is much faster. */
const planted = [...breaches, ...allowed].map(([file, line], at) => ({
  file: file.replace('planted', `planted-${at}`),
  line,
}));
let refused: ReadonlySet<string> = new Set();

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'layers-'));
  cpSync('biome.json', join(folder, 'biome.json'));
  for (const { file, line } of planted) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${line}\n`);
  }
  const flags = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', 'src'];
  const { stdout, stderr } = spawnSync(resolve('node_modules/.bin/biome'), flags, {
    cwd: folder,
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true, force: true });
  const found = (stdout + stderr).matchAll(/^(\S+\.ts):\d+:\d+ lint\/style\/noRestrictedImports/gm);
  refused = new Set(Array.from(found, ([, file = '']) => file));
});

describe('the layer rules', () => {
  it.each(breaches.map((_, at) => [planted[at]?.file ?? '', planted[at]?.line ?? '']))(
    'refuse in %s: %s',
    (file) => {
      expect(refused).toContain(file);
    },
  );

  it.each(
    allowed.map((_, at) => [
      planted[breaches.length + at]?.file ?? '',
      planted[breaches.length + at]?.line ?? '',
    ]),
  )('allow in %s: %s', (file) => {
    expect(file).not.toBe('');
    expect(refused).not.toContain(file);
  });
});
