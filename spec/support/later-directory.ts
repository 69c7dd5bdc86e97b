import type { Directory } from '../../src/ports/directory.ts';
import type { MaybePromise } from '../../src/lib/maybe-promise.ts';

/** A directory that takes part in nothing at once: it carries out each call, and answers, in a later turn. */
export function laterDirectory(directory: Directory): Directory {
  const groups = later(directory.groups);
  return new Proxy(later(directory), {
    get: (target, name) => (name === 'groups' ? groups : Reflect.get(target, name)),
  });
}

function later<Port extends object>(port: Port): Port;
function later(port: object): object {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]): MaybePromise<unknown> =>
        new Promise((resolve) => setImmediate(resolve)).then(() => Reflect.apply(member, target, given));
    },
  });
}
