import { shown } from './shown.ts';
import { didYouMean, nearest } from './did-you-mean.ts';
import { UsageError } from './usage-error.ts';

/** What an object of the application may be made of. */
export interface Shape {
  /** In words: `the policy`. */
  readonly what: string;
  readonly functions: readonly string[];
  /** Other names it may have. */
  readonly others: readonly string[];
  /** Names that are meant to be one of the functions, whatever they say. */
  readonly meant?: RegExp;
  /** Whether a plain object may have members of its own as well. */
  readonly isOpen?: boolean;
  /** Whether none of the functions may be missing. */
  readonly isWhole?: boolean;
}

/**
 * Refuses what a typing error would leave without effect: a function that is none, and names that nothing looks for. A plain
 * object may have no other names than those. An instance of a class may have members of its own, unless their names are so near
 * to a known one that this is meant. Throws `UsageError`.
 */
export function checkNames(given: unknown, shape: Shape): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new UsageError(`${shape.what} must be an object, got ${shown(given)}`);
  for (const name of shape.functions) refuseNoFunction(Reflect.get(given, name), name, shape);
  const known = [...shape.functions, ...shape.others];
  const isPlain = shape.isOpen !== true && [Object.prototype, null].includes(Object.getPrototypeOf(given));
  for (const name of namesOf(given)) {
    if (known.includes(name)) continue;
    // Where nothing may be missing, a member such as `appends` beside `append` is one of its own.
    const isNear = shape.isWhole !== true && nearest(name, known) !== undefined;
    const isMeant = isNear || shape.meant?.test(name) === true;
    if (isPlain || isMeant) throw unknown(name, known, shape, isPlain);
  }
  if (shape.isWhole) refuseMissing(given, shape);
}

function refuseMissing(given: object, { what, functions }: Shape): void {
  const missing = functions.find((name) => Reflect.get(given, name) === undefined);
  if (missing === undefined) return;
  const meant = nearest(missing, namesOf(given));
  const hint =
    meant === undefined || functions.includes(meant) ? '' : `; is it what "${meant}" is meant to be?`;
  throw new UsageError(`${what} has no function "${missing}": it must have ${functions.join(', ')}${hint}`);
}

function refuseNoFunction(value: unknown, name: string, { what }: Shape): void {
  if (value === undefined || typeof value === 'function') return;
  throw new UsageError(`${name} of ${what} must be a function, got ${shown(value)}`);
}

function unknown(name: string, known: readonly string[], { what }: Shape, isPlain: boolean): UsageError {
  const hint = didYouMean(name, known) || ` (it may have ${known.join(', ')})`;
  const advice = isPlain ? '' : '; if it is a member of your own, give it another name';
  return new UsageError(`${what} has "${name}", which nothing looks for${hint}${advice}`);
}

/** The names of an object's own members and of those it inherits, up to `Object`. */
function namesOf(given: object): Set<string> {
  const names = new Set<string>();
  for (let one = given; one !== null && one !== Object.prototype; one = Object.getPrototypeOf(one)) {
    for (const name of Object.getOwnPropertyNames(one)) if (name !== 'constructor') names.add(name);
  }
  return names;
}

/** A member of an object or a function; undefined where there is none. */
export function member(given: unknown, name: string): unknown {
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function';
  return isObject ? Reflect.get(given, name) : undefined;
}
