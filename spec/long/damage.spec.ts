import { expect, it } from 'vitest';
import { survivesDamage } from '../history/damage-run.ts';

const TIMES = 300;

it(`a history of which each kind of file is damaged ${TIMES} times says of nothing that it is recovered that is not`, async () => {
  for (const [kind, { refused, doubted, whole }] of await survivesDamage(TIMES)) {
    console.info(`${kind}: ${refused} refused, ${doubted} doubted, ${whole} whole`);
    expect(refused + doubted + whole).toBe(TIMES);
  }
}, 600_000);
