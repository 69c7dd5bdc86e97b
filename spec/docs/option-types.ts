import { partOf } from '../../src/cli/help.ts';
import type { OptionGroup, OptionRow, OptionTable } from '../../src/options/table.ts';
import { optionTable } from '../../src/server-options.ts';

const head = `// Written from the option tables by a spec, so that editors show each option with its words. To write it anew:
// WRITE_DOCS=1 npx vitest run spec/docs/options.spec.ts
import type { OverflowDecision, UnconnectedPublish } from './core/callbacks.ts';
import type { RateLimiter } from './features/governor/address-rate.ts';
import type { Visible } from './features/presence/options.ts';
import type { OriginPredicate } from './http/options.ts';
import type { JsonSchema } from './options/table.ts';
`;

/** The source of the interfaces that users of the options see. */
export function optionTypes(): string {
  const rules = Object.values(optionTable).find((row) => row.kind === 'rules');
  return [
    head,
    ...interfacesOf('', 'Options', 'Options of a server. Each may be left out.', optionTable, defaultOf),
    ...(rules === undefined
      ? []
      : interfacesOf('ChannelRule', 'Options', rules.doc, rules.rows, () => undefined)),
  ].join('\n');
}

type Default = (row: OptionRow) => string | undefined;

/** The interface of a table, behind those of its groups: each has a name, so that editors name it in their messages. */
function interfacesOf(prefix: string, end: string, doc: string, table: OptionTable, by: Default): string[] {
  const groups = Object.entries(table).flatMap(([name, row]) =>
    row.kind === 'group' ? interfacesOf(prefix + capital(name), end, row.doc, row.rows, by) : [],
  );
  const members = Object.entries(table).map(([name, row]) =>
    memberOf(name, row, prefix + capital(name) + end, by),
  );
  const own = `/** ${doc} */\nexport interface ${prefix === '' ? 'Server' : prefix}${end} {\n${members.join('')}}\n`;
  return [...groups, own];
}

const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

function memberOf(name: string, row: OptionRow | OptionGroup, group: string, by: Default): string {
  const required = row.kind !== 'group' && row.required === true;
  const type = row.kind === 'group' ? `${group}${row.off ? ' | boolean' : ''}` : typeOf(row);
  const end = required ? `: ${type}` : `?: ${type} | undefined`;
  return `/** ${docOf(row, by)} */\nreadonly ${name}${end};\n`;
}

function typeOf(row: OptionRow): string {
  const words = (row.words ?? []).map((word) => (typeof word === 'string' ? `'${word}'` : String(word)));
  const all = [...kindType(row), ...words, ...(row.codeType === undefined ? [] : [row.codeType])];
  return all.join(' | ');
}

function kindType(row: OptionRow): string[] {
  switch (row.kind) {
    case 'number':
    case 'integer':
      return ['number'];
    case 'boolean':
    case 'string':
      return [row.kind];
    case 'list':
      return [
        ...(row.count === undefined ? [] : ['number']),
        row.items ? `readonly (${row.items.map((item) => `'${item}'`).join(' | ')})[]` : 'readonly string[]',
      ];
    case 'rules':
      return ['{ readonly [pattern: string]: ChannelRuleOptions }'];
    case 'schema':
      return ['JsonSchema'];
    case 'word':
      return [];
  }
}

function docOf(row: OptionRow | OptionGroup, by: Default): string {
  const facts = row.kind === 'group' ? [] : [unitOf(row), by(row)];
  const words = facts.filter((fact) => fact !== undefined).join('; ');
  return words === '' ? row.doc : `${row.doc} ${capital(words)}.`;
}

const unitOf = (row: OptionRow): string | undefined =>
  row.kind === 'number' || row.kind === 'integer' ? row.unit : undefined;

function defaultOf(row: OptionRow): string | undefined {
  const part = partOf(row);
  if (part !== '') return `${part} by default`;
  if (row.inherits !== undefined) return `by default as \`${row.inherits}\``;
  if (row.default === undefined || row.kind === 'rules') return undefined;
  if (row.default === Number.POSITIVE_INFINITY) return 'unlimited by default';
  if (!Array.isArray(row.default)) return `\`${row.default}\` by default`;
  return row.default.length === 0 ? 'none by default' : `\`${row.default.join('`, `')}\` by default`;
}
