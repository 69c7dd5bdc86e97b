import { expect, it } from 'vitest';
import { sections } from './checks/all.ts';
import { casesOf, runAll } from './run.ts';
import { type Running, startBayeuxd, startCometd, startFaye } from './servers.ts';
import { type Column, failures, nameOf, table } from './table.ts';

const cases = casesOf(sections);

/** Many a check waits in vain for a server that decided otherwise; those may wait side by side. */
const patience = { atOnce: 24, ms: 5_000 };

async function columnOf(start: () => Promise<Running>, how = {}): Promise<Column> {
  const server = await start();
  const results = await runAll(server, cases, how);
  await server.close();
  return { server: server.name, results };
}

/** The same checks over three servers, as one table. With CONFORMANCE_REASONS each failure says why. */
it('compares bayeuxd with Faye and cometd-nodejs-server', { timeout: 120_000 }, async () => {
  const ours = await columnOf(startBayeuxd);
  const theirs = await Promise.all([columnOf(startFaye, patience), columnOf(startCometd, patience)]);

  const columns = [ours, ...theirs];
  process.stdout.write(`\n${table(columns)}\n`);
  if (process.env.CONFORMANCE_REASONS) process.stdout.write(columns.map(failures).join('\n'));
  for (const { results } of columns) expect(results.filter(Boolean)).toHaveLength(cases.length);
  expect(failures(ours)).toBe('');
  expect(ours.results.filter(({ failure }) => failure !== undefined).map(nameOf)).toEqual([]);
});
