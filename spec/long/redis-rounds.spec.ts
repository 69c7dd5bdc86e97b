import { afterAll } from 'vitest';
import { keepsPromises, type RoundFigures } from '../redis/proof/rounds.ts';

const all: RoundFigures[] = [];

keepsPromises(Number(process.env.ROUNDS ?? 50), (figures) => void all.push(figures));

afterAll(() => {
  const sum = (of: (figures: RoundFigures) => number) => all.reduce((total, one) => total + of(one), 0);
  const times = all.flatMap(({ recoveries }) => recoveries).toSorted((one, other) => one - other);
  const troubles = new Map<string, number>();
  for (const is of all.flatMap((one) => one.troubles)) troubles.set(is, (troubles.get(is) ?? 0) + 1);
  console.log(
    [
      `${all.length} rounds, ${sum((one) => one.troubles.length)} troubles`,
      `publishes: ${sum((one) => one.accepted)} accepted, ${sum((one) => one.refused)} refused; received: ${sum((one) => one.received)}`,
      `well again after: median ${times[times.length >> 1]} ms, longest ${times.at(-1)} ms`,
      ...[...troubles]
        .toSorted(([one], [other]) => one.localeCompare(other))
        .map(([is, count]) => `  ${count} × ${is}`),
    ].join('\n'),
  );
});
