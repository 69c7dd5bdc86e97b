import type { Transport } from './check.ts';
import { type Case, notOffered, type Result } from './run.ts';

/** What one server did with every case, in the order of the cases. */
export interface Column {
  readonly server: string;
  readonly results: readonly Result[];
}

const short: Record<Transport, string> = {
  'long-polling': 'LP',
  'callback-polling': 'JP',
  eventsource: 'ES',
  websocket: 'WS',
};

export const nameOf = ({ check, transport }: Case): string =>
  `${check.id} ${check.title} (${short[transport]})`;

/** One row per check, one column per server; in a cell the transports it failed over, `ok` when none, `-` when it has none. */
export function table(columns: readonly Column[]): string {
  const cases = columns[0]?.results ?? [];
  const sections = [...new Set(cases.map(({ section }) => section))];
  const rows = [['', ...columns.map(({ server }) => server)]];
  for (const section of sections) {
    const within = (result: Result) => result.section === section;
    rows.push([`# ${section}`, ...columns.map(({ results }) => share(results.filter(within)))]);
    for (const check of new Set(cases.filter(within).map((one) => one.check))) {
      const cells = columns.map(({ results }) => cell(results.filter((result) => result.check === check)));
      rows.push([`${check.id.padEnd(6)} ${check.title}`, ...cells]);
    }
  }
  rows.push(['all', ...columns.map(({ results }) => share(results))]);
  return lines(rows);
}

/** Every failure of a server with its reason. */
export function failures({ server, results }: Column): string {
  const failed = results.filter(({ failure }) => failure !== undefined && failure !== notOffered);
  return failed
    .map((result) => `${server}: ${nameOf(result)}\n    ${result.failure?.split('\n').join('\n    ')}\n`)
    .join('');
}

const isPassed = ({ failure }: Result) => failure === undefined;
const isAsked = ({ failure }: Result) => failure !== notOffered;

function share(results: readonly Result[]): string {
  const asked = results.filter(isAsked);
  return asked.length === 0 ? '-' : `${asked.filter(isPassed).length}/${asked.length}`;
}

function cell(results: readonly Result[]): string {
  const asked = results.filter(isAsked);
  const failed = asked.filter((result) => !isPassed(result));
  if (asked.length === 0) return '-';
  return failed.length === 0 ? 'ok' : `no ${failed.map(({ transport }) => short[transport]).join(' ')}`;
}

function lines(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((text, at) => text.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
