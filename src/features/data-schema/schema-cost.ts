import { isObject } from '../../protocol/message.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { linearPattern } from './linear-pattern.ts';
import { type Keywords, partsOf } from './schema-parts.ts';

/** Most items that may have to be compared in pairs. */
const MAX_COMPARED = 16;

/**
 * Refuses keywords with which a short message could keep the server busy for seconds. Throws `UsageError` with the path of
 * the keyword, and what to write instead.
 */
export function refuseCostlySchema(schema: unknown, place: string): void {
  if (!isObject(schema)) return;
  refuseComparisons(schema, place);
  refusePatterns(schema, place);
  for (const [part, where] of partsOf(schema, place)) refuseCostlySchema(part, where);
}

const scalars = new Set(['string', 'number', 'integer', 'boolean', 'null']);

// ajv compares all pairs of items unless `items` gives them one simple type.
function refuseComparisons({ uniqueItems, maxItems, items }: Keywords, place: string): void {
  if (uniqueItems !== true) return;
  const isSimple = isObject(items) && typeof items.type === 'string' && scalars.has(items.type);
  if (typeof maxItems === 'number' && (isSimple || maxItems <= MAX_COMPARED)) return;
  const found = maxItems === undefined ? 'without maxItems' : `with maxItems ${maxItems}`;
  throw new UsageError(
    `${place}.uniqueItems ${found} lets a client send as many items as fit a message, and each is compared with each other: set maxItems, to ${MAX_COMPARED} or less unless items has a type such as "string"`,
  );
}

function refusePatterns({ pattern, patternProperties }: Keywords, place: string): void {
  if (typeof pattern === 'string') refusePattern(pattern, `${place}.pattern`);
  if (!isObject(patternProperties)) return;
  for (const name of Object.keys(patternProperties)) refusePattern(name, `${place}.patternProperties`);
}

function refusePattern(pattern: string, place: string): void {
  try {
    linearPattern(pattern);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${place} ${JSON.stringify(pattern)} ${why}`, { cause });
  }
}
