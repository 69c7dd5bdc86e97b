import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/lib/usage-error.ts';
import { fayeExtension } from '../../src/features/faye.ts';
import { FakeClient, serve } from '../support/fake-client.ts';

// biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
const served = (settings: any) => serve(settings).server;
const yes = (): boolean => true;

class Helped extends EventEmitter {
  readonly users = new Map<string, string>();
  _secret = 1;
  get size(): number {
    return this.users.size;
  }
  lookUp(): boolean {
    return true;
  }
}
class Right extends Helped {
  canPublish = (): boolean => this.lookUp();
}
class Wrong extends Helped {
  canSubcribe(): boolean {
    return false;
  }
}
class Below extends Wrong {
  canPublish(): boolean {
    return true;
  }
}
class Reader extends Right {
  canRead(): boolean {
    return false;
  }
}

describe('a policy', () => {
  it.each([
    [
      { canPublish: yes, canSubcribe: yes },
      'the policy has "canSubcribe", which nothing looks for; did you mean "canSubscribe"?',
    ],
    [
      { canPublish: yes, allow: yes },
      'the policy has "allow", which nothing looks for (it may have canHandshake, canSubscribe, canPublish, canSend)',
    ],
    [
      new Below(),
      'the policy has "canSubcribe", which nothing looks for; did you mean "canSubscribe"?; if it is a member of your own, give it another name',
    ],
    [
      new Reader(),
      'the policy has "canRead", which nothing looks for; did you mean "canSend"?; if it is a member of your own, give it another name',
    ],
    [Object.create({ canPublis: yes }), 'did you mean "canPublish"?'],
    [{ canPublish: false }, 'canPublish of the policy must be a function, got false'],
    [{ canPublish: yes, canHandshake: {} }, 'canHandshake of the policy must be a function, got {}'],
    [
      {},
      'the policy has none of canHandshake, canSubscribe, canPublish, canSend: leave it out to allow everything',
    ],
    [{ canPublish: undefined }, 'the policy has none of'],
    [new Helped(), 'the policy has none of'],
    [null, 'the policy must be an object, got null'],
    [yes, 'the policy must be an object, got a function'],
    [[yes], 'the policy must be an object, got [null]'],
  ])(
    'that cannot be meant is refused by name, not taken for one that allows everything: %#',
    (policy, message) => {
      const start = () => served({ policy });
      expect(start).toThrow(UsageError);
      expect(start).toThrow(message);
    },
  );

  it.each([
    [{ canPublish: yes }],
    [{ canHandshake: yes, canSubscribe: undefined }],
    [new Right()],
    [Object.assign(Object.create(null), { canPublish: yes })],
    [Object.create({ canPublish: yes })],
    [undefined],
  ])('may be plain, or an instance of a class with members of its own: %#', async (policy) => {
    const client = await FakeClient.open(served({ policy }));
    expect((await client.publish('/a', 1)).reply).toMatchObject({ successful: true });
  });
});

describe('an extension', () => {
  const incoming = (request: unknown): unknown => request;
  class Counting {
    readonly name = 'counting';
    count = 0;
    incoming(request: unknown): unknown {
      this.count += 1;
      return request;
    }
    report(): number {
      return this.count;
    }
  }

  it.each([
    [
      { name: 'x', incomming: incoming },
      'the extension "x" has "incomming", which nothing looks for; did you mean "incoming"?',
    ],
    [
      { name: 'x', incoming, rcv: incoming },
      'the extension "x" has "rcv", which nothing looks for (it may have ',
    ],
    [Object.assign(new Counting(), { outgoin: incoming }), 'did you mean "outgoing"?'],
    [{ name: 'x', incoming: 'no' }, 'incoming of the extension "x" must be a function, got "no"'],
    [{ incoming }, 'an extension needs a name, got undefined'],
    [{ name: '', incoming }, 'an extension needs a name, got ""'],
    [
      { name: 'x', kinds: ['publsh'], incoming },
      'kinds of the extension "x" has "publsh"; did you mean "publish"?',
    ],
    [{ name: 'x', kinds: 'publish', incoming }, 'kinds of the extension "x" must be a list, got "publish"'],
    [null, 'an extension must be an object, got null'],
  ])('that cannot be meant is refused by name: %#', async (extension, message) => {
    const start = () => served({ extensions: [extension] });
    expect(start).toThrow(UsageError);
    expect(start).toThrow(message);
    const { session } = await FakeClient.open(served({}));
    // biome-ignore lint/suspicious/noExplicitAny: as above
    expect(() => session.extend(extension as any)).toThrow(message);
  });

  it('may be an instance of a class with members of its own', async () => {
    const counting = new Counting();
    await FakeClient.open(served({ extensions: [counting] }));
    expect(counting.report()).toBe(1);
  });

  it('written for Faye is looked at as well', () => {
    expect(() => fayeExtension({ incomming: () => {} } as object)).toThrow(
      'the Faye extension "faye" has "incomming", which nothing looks for; did you mean "incoming"?',
    );
    const added = { added: () => {}, removed: () => {}, incoming: () => {}, secret: 1 };
    expect(() => fayeExtension(added)).not.toThrow();
  });
});
