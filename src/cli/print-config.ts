import { Document, isScalar } from 'yaml';
import type { NamedOption } from '../options/table.ts';
import type { Config } from './config.ts';
import { allOptions, type ProgramOptions } from './options.ts';
import { unlimited } from './text.ts';

/** The configuration in effect, as YAML without secrets. A comment gives the source of each value. */
export function printConfig(config: Config): string {
  const values = { ...config.program, ...config.server };
  const document = new Document({});
  const hidden: string[] = [];
  for (const option of allOptions) {
    const value = valueAt(values, option);
    if (value === undefined || isReplaced(option.path, config.program)) continue;
    if (isSecret(option, value)) {
      hidden.push(
        ` ${option.path} is set (${config.places.get(option.path)}) and not printed: it is a secret`,
      );
      continue;
    }
    const keys = option.path.split('.');
    document.setIn(keys, document.createNode(value));
    const place = config.places.get(option.path);
    const node = document.getIn(keys, true);
    if (place && isScalar(node)) node.comment = ` ${place}`;
  }
  if (hidden.length > 0) document.commentBefore = hidden.join('\n');
  return document.toString();
}

function isSecret({ row }: NamedOption, value: unknown): boolean {
  return row.secret === true && !row.words?.includes(String(value));
}

/** Whether `socket` replaces this option. A configuration with both would be refused. */
function isReplaced(path: string, { socket }: ProgramOptions): boolean {
  return socket !== undefined && ['host', 'port'].includes(path);
}

/** Undefined for an unset option, for one of a group that is off, and for a group that is on: its options are printed. */
export function valueAt(values: object, { path, row }: NamedOption): unknown {
  let value: unknown = values;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  if (value === Number.POSITIVE_INFINITY) return unlimited;
  return isGroup(row, value) ? undefined : value;
}

function isGroup(row: NamedOption['row'], value: unknown): boolean {
  return row.kind === 'boolean' && typeof value === 'object';
}
