import { Document, isScalar } from 'yaml';
import type { NamedOption } from '../options/table.ts';
import type { Config } from './config.ts';
import { allOptions, type ProgramOptions } from './options.ts';
import { unlimited } from './text.ts';

/** Writes the configuration in effect as YAML that can be read back; secrets are left out, and each value says where it is from. */
export function printConfig(config: Config): string {
  const values = { ...config.program, ...config.server };
  const document = new Document({});
  const hidden: string[] = [];
  for (const option of allOptions) {
    const value = valueAt(values, option);
    if (value === undefined || standsBack(option.path, config.program)) continue;
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

/** Whether another option that is set stands instead: beside it, this one would be refused. */
function standsBack(path: string, { socket }: ProgramOptions): boolean {
  return socket !== undefined && ['host', 'port'].includes(path);
}

/** The value of an option; undefined for what is unset, off, or off with its group, since that stands in the groups already. */
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
