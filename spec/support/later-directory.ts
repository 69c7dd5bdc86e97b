import type { Directory } from '../../src/ports/directory.ts';
import type { MaybePromise } from '../../src/lib/maybe-promise.ts';
import { settle } from './until.ts';

/**
 * A directory that does nothing at once: it carries out each call, and answers, some turns later. `turns` gives their
 * number for each call: where it differs, calls overtake one another.
 */
export function laterDirectory(directory: Directory, turns = () => 1): Directory {
  const [groups, rosters] = [later(directory.groups, turns), later(directory.rosters, turns)];
  return new Proxy(later(directory, turns), {
    get: (target, name) =>
      name === 'groups' ? groups : name === 'rosters' ? rosters : Reflect.get(target, name),
  });
}

function later<Port extends object>(port: Port, turns: () => number): Port;
function later(port: object, turns: () => number): object {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): MaybePromise<unknown> =>
        settle(turns()).then(() => Reflect.apply(member, target, given));
    },
  });
}
