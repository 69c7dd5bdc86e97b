import { expect, it } from 'vitest';
import { survivesDamage } from '../history/damage-run.ts';

const TIMES = 1000;

it(`a history whose files are damaged, ${TIMES} times, says of nothing that it is recovered that is not`, async () => {
  const { refused, doubted, whole } = await survivesDamage(TIMES);
  console.info(`${refused} refused, ${doubted} doubted, ${whole} whole`);
  expect(refused + doubted + whole).toBe(TIMES);
});
