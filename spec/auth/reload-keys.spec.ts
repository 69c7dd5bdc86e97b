import { chmodSync, writeFileSync } from 'node:fs';
import { exportSPKI, importJWK } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Server, UsageError } from '../../src/index.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { JwksServer, type Signer, signer } from './jwks-server.ts';
import { type Guarded, guarded } from './tokens.ts';

const { file } = tempFolder();

async function pemOf({ jwk }: Signer): Promise<string> {
  const key = await importJWK(jwk, 'ES256', { extractable: true });
  if (key instanceof Uint8Array) throw new Error('it is no public key');
  return exportSPKI(key);
}

/** The error of a handshake with a token of this signer, or `successful`. */
async function answer({ shake, clock }: Guarded, { sign }: Signer): Promise<unknown> {
  const now = Math.floor(clock.now() / 1000);
  const token = await sign({ sub: 'ann', aud: 'push', iat: now, exp: now + 60 });
  const { error = 'successful' } = await shake({ ext: { auth: { token } } });
  return error;
}

describe('server.reloadKeys', () => {
  it('reads the file of public keys again, and keeps the old keys if the file is not usable', async () => {
    const [before, after] = [await signer('ES256', 'a'), await signer('ES256', 'b')];
    const keyFile = file('key.pem', await pemOf(before));
    const here = guarded({ auth: { secret: undefined, keyFile } });
    expect(await answer(here, before)).toBe('successful');
    writeFileSync(keyFile, await pemOf(after));
    expect(await answer(here, after)).toBe('401::token_invalid');
    here.server.reloadKeys();
    expect([await answer(here, before), await answer(here, after)]).toEqual([
      '401::token_invalid',
      'successful',
    ]);
    writeFileSync(keyFile, 'no key');
    expect(() => here.server.reloadKeys()).toThrow(UsageError);
    expect(await answer(here, after)).toBe('successful');
  });

  it.skipIf(process.platform === 'win32')('warns again of a file that others can write', async () => {
    const keyFile = file('open.pem', await pemOf(await signer('ES256', 'a')));
    chmodSync(keyFile, 0o644);
    const { server, lines } = guarded({ auth: { secret: undefined, keyFile } });
    const warnings = () => lines.filter(({ event }) => event === 'auth.key_file_open').length;
    expect(warnings()).toBe(0);
    chmodSync(keyFile, 0o666);
    server.reloadKeys();
    expect(warnings()).toBe(1);
  });

  it('fetches the keys of a provider for the next token, and uses the old ones while that fails', async () => {
    const jwks = await JwksServer.start();
    onTestFinished(() => jwks.stop());
    const key = await signer('ES256', 'a');
    jwks.keys = [key.jwk];
    const here = guarded({ auth: { secret: undefined, jwks: { url: jwks.url }, audience: ['push'] } });
    await answer(here, key);
    await here.clock.tick(60_000);
    expect([await answer(here, key), jwks.asked]).toEqual(['successful', 1]);
    here.server.reloadKeys();
    jwks.status = 500;
    expect([await answer(here, key), jwks.asked]).toEqual(['successful', 2]);
    jwks.status = 200;
    jwks.keys = [];
    await here.clock.tick(60_000);
    expect([await answer(here, key), jwks.asked]).toEqual(['401::token_invalid', 3]);
  });

  it('does nothing without authentication', () => {
    expect(() => new Server({ log: () => {} }).reloadKeys()).not.toThrow();
  });
});
