import type { OptionGroup, OptionRow, OptionTable } from '../options/table.ts';
import { unlimited } from './text.ts';

export type Schema = { readonly [keyword: string]: unknown };

/** The JSON schema of a configuration file with the options of this table. */
export function schemaOf(table: OptionTable): Schema {
  const properties = Object.entries(table).map(([name, row]) => [
    name,
    row.kind === 'group' ? schemaOfGroup(row) : schemaOfRow(row),
  ]);
  const required = Object.entries(table).flatMap(([name, row]) => ('required' in row ? [name] : []));
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    ...(required.length > 0 && { required }),
  };
}

function schemaOfGroup({ off, doc, rows }: OptionGroup): Schema {
  const schema = { description: doc, ...schemaOf(rows) };
  return off ? { anyOf: [{ type: 'boolean' }, schema] } : schema;
}

function schemaOfRow(row: OptionRow): Schema {
  const words = row.words ?? [];
  const ofKind = row.kind === 'word' ? [] : [schemaOfKind(row)];
  const branches = words.length > 0 ? [{ enum: words }, ...ofKind] : ofKind;
  return branches.length === 1
    ? { description: row.doc, ...branches[0] }
    : { description: row.doc, anyOf: branches };
}

function schemaOfKind(row: OptionRow): Schema {
  switch (row.kind) {
    case 'number':
    case 'integer': {
      const { min, max } = row;
      const bounds = {
        ...(min !== undefined && { minimum: min }),
        ...(max !== undefined && { maximum: max }),
      };
      if (max !== Number.POSITIVE_INFINITY) return { type: row.kind, ...bounds };
      return {
        anyOf: [{ const: unlimited }, { type: row.kind, ...bounds, maximum: Number.MAX_SAFE_INTEGER }],
      };
    }
    case 'list': {
      const list = { type: 'array', uniqueItems: true, items: schemaOfItem(row.items, row.pattern) };
      if (row.count === undefined) return list;
      return { anyOf: [{ type: 'integer', minimum: row.count.min, maximum: row.count.max }, list] };
    }
    case 'rules':
      return { type: 'object', additionalProperties: schemaOf(row.rows) };
    case 'schema':
      return { type: ['boolean', 'object'] };
    case 'boolean':
      return { type: 'boolean' };
    default:
      return schemaOfItem(undefined, 'pattern' in row ? row.pattern : undefined);
  }
}

function schemaOfItem(items: readonly string[] | undefined, pattern: RegExp | undefined): Schema {
  return { type: 'string', ...(items && { enum: items }), ...(pattern && { pattern: pattern.source }) };
}
