import { writeFileSync } from 'node:fs';
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

/** What a handshake with a token of this signer is answered with. */
async function answer({ shake, clock }: Guarded, { sign }: Signer): Promise<unknown> {
  const now = Math.floor(clock.now() / 1000);
  const token = await sign({ sub: 'ann', aud: 'push', iat: now, exp: now + 60 });
  const { error = 'successful' } = await shake({ ext: { auth: { token } } });
  return error;
}

describe('server.reloadKeys', () => {
  it('reads the file of public keys again; one that cannot be used keeps the old keys', async () => {
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

  it('has the keys of a provider fetched for the next token, and uses the old ones while that fails', async () => {
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

  it('does nothing where there are no tokens', () => {
    expect(() => new Server({ log: () => {} }).reloadKeys()).not.toThrow();
  });
});
