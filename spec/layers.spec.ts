import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const biome = resolve('node_modules/.bin/biome');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'layers-'));
  cpSync('biome.json', join(folder, 'biome.json'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the linter says of a file with this import in this place. */
function lint(file: string, line: string): string {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${line}\n`);
  const { stdout, stderr } = spawnSync(biome, ['lint', '--vcs-enabled=false', file], {
    cwd: folder,
    encoding: 'utf8',
  });
  rmSync(path);
  return stdout + stderr;
}

const type = (from: string) => `export type { Planted } from '${from}';`;

describe('the layer rules', () => {
  it.each([
    ['src/protocol/planted.ts', type('../core/server.ts')],
    ['src/protocol/planted.ts', type('node:crypto')],
    ['src/core/planted.ts', type('../transports/websocket.ts')],
    ['src/core/planted.ts', type('node:fs')],
    ['src/core/planted.ts', type('express')],
    ['src/core/requests/planted.ts', type('../../http/middleware.ts')],
    ['src/transports/planted.ts', type('../http/upgrade.ts')],
    ['src/transports/planted.ts', type('../compat/faye.ts')],
    ['src/compat/planted.ts', type('../transports/websocket.ts')],
    ['src/extensions/planted.ts', type('../engines/distributed.ts')],
    ['src/http/planted.ts', type('../cli/main.ts')],
    ['src/http/planted.ts', type('../standard-server.ts')],
    ['src/extensions/planted.ts', type('../standard-server.ts')],
    ['src/core/requests/planted.ts', type('../../standard-server.ts')],
    ['src/core/planted.ts', type('../history/level-history.ts')],
    ['src/core/planted.ts', type('classic-level')],
    ['src/core/channels/planted.ts', type('../../extensions/ack.ts')],
    ['src/core/history/planted.ts', type('../../history/level-history.ts')],
    ['src/core/history/planted.ts', type('classic-level')],
    ['src/core/history/planted.ts', type('node:fs')],
    ['src/core/options/planted.ts', type('../../cli/main.ts')],
    ['src/core/options/planted.ts', type('../../history/level-history.ts')],
    ['src/core/outbox/planted.ts', type('../../transports/websocket.ts')],
    ['src/core/requests/planted.ts', type('../../history/level-history.ts')],
    ['src/transports/planted.ts', type('../history/level-history.ts')],
    ['src/extensions/planted.ts', type('../history/level-history.ts')],
    ['src/http/planted.ts', type('../history/level-history.ts')],
    ['src/http/planted.ts', type('classic-level')],
    ['src/history/planted.ts', type('../transports/websocket.ts')],
    ['src/history/planted.ts', type('../compat/faye.ts')],
    ['src/history/planted.ts', type('../cli/main.ts')],
    ['src/history/planted.ts', type('express')],
    ['src/cli/planted.ts', type('classic-level')],
  ])('refuse in %s: %s', (file, line) => {
    expect(lint(file, line)).toContain('noRestrictedImports');
  });

  it.each([
    ['src/core/planted.ts', type('node:crypto')],
    ['src/core/planted.ts', type('../protocol/message.ts')],
    ['src/transports/planted.ts', type('../core/server.ts')],
    ['src/http/planted.ts', type('../transports/websocket.ts')],
    ['src/cli/planted.ts', type('../http/middleware.ts')],
    ['src/cli/planted.ts', type('../standard-server.ts')],
    ['src/core/requests/planted.ts', type('../server.ts')],
    ['src/core/requests/planted.ts', type('../history/history.ts')],
    ['src/core/planted.ts', type('./history/history.ts')],
    ['src/core/channels/planted.ts', type('../engine.ts')],
    ['src/core/history/planted.ts', type('./history-store.ts')],
    ['src/core/history/planted.ts', type('../../protocol/message.ts')],
    ['src/core/options/planted.ts', type('../history/history-store.ts')],
    ['src/core/outbox/planted.ts', type('../session.ts')],
    ['src/transports/planted.ts', type('../core/history/history-store.ts')],
    ['src/extensions/planted.ts', type('../core/history/history-store.ts')],
    ['src/http/planted.ts', type('../core/history/history-store.ts')],
    ['src/history/planted.ts', type('../core/history/history-store.ts')],
    ['src/history/planted.ts', type('classic-level')],
    ['src/history/planted.ts', type('node:fs')],
    ['src/cli/planted.ts', type('../history/level-history.ts')],
  ])('allow in %s: %s', (file, line) => {
    expect(lint(file, line)).not.toContain('noRestrictedImports');
  });
});
