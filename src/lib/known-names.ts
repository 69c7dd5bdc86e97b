import { shown } from './shown.ts';
import { didYouMean, nearest } from './did-you-mean.ts';
import { UsageError } from './usage-error.ts';

/** The members that an object of the application may have. */
export interface Shape {
  /** The object in error messages: `the policy`. */
  readonly what: string;
  readonly functions: readonly string[];
  /** Other members it may have. */
  readonly others: readonly string[];
  /** Any other name that matches is taken for a misspelt function. */
  readonly meant?: RegExp;
  /** Whether a plain object may have further members. */
  readonly isOpen?: boolean;
  /** Whether all functions are required. */
  readonly isWhole?: boolean;
}

/**
 * Refuses members that a typing error would leave without effect: a known function that is not a function, and unknown
 * names. A plain object may have known names only. An instance of a class may have further members, unless a name is so
 * near to a known one that it must be a misspelling. Throws `UsageError`.
 */
export function checkNames(given: unknown, shape: Shape): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new UsageError(`${shape.what} must be an object, got ${shown(given)}`);
  for (const name of shape.functions) refuseNoFunction(Reflect.get(given, name), name, shape);
  const known = [...shape.functions, ...shape.others];
  const isPlain = shape.isOpen !== true && [Object.prototype, null].includes(Object.getPrototypeOf(given));
  for (const name of namesOf(given)) {
    if (known.includes(name)) continue;
    // When all functions are required, `appends` beside `append` cannot be a misspelling.
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
  const hint = meant === undefined || functions.includes(meant) ? '' : `; is "${meant}" a misspelling of it?`;
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
  for (
    let owner = given;
    owner !== null && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner)
  ) {
    for (const name of Object.getOwnPropertyNames(owner)) if (name !== 'constructor') names.add(name);
  }
  return names;
}

/** A member of an object or a function; undefined where there is none. */
export function member(given: unknown, name: string): unknown {
  const isObject = (typeof given === 'object' && given !== null) || typeof given === 'function';
  return isObject ? Reflect.get(given, name) : undefined;
}
