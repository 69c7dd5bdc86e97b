import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { decode } from '../../src/protocol/codec.ts';
import { BatchError } from '../../src/protocol/errors.ts';
import type { Request } from '../../src/protocol/message.ts';

const limits = { maxBatch: 1000, maxDepth: 64 };

const read = (value: unknown): Request[] => decode(JSON.stringify(value), limits);

/** The only request there is, its fields open to look at. */
function one(text: string): Record<string, unknown> {
  const [request, ...more] = decode(text, limits);
  if (request === undefined || more.length > 0) throw new Error('not one request');
  return { ...request };
}

const message = (fields: object): Record<string, unknown> => one(JSON.stringify(fields));

describe('a batch', () => {
  it('is an array of messages, or one bare message (MSG-2)', () => {
    expect(read([{ channel: '/a' }, { channel: '/b' }]).map(({ channel }) => channel)).toEqual(['/a', '/b']);
    expect(read({ channel: '/a' })).toHaveLength(1);
  });

  it('may come in several texts, whose messages follow one another (LP-2)', () => {
    const texts = ['{"channel":"/a"}', '[{"channel":"/b"},{"channel":"/c"}]'];
    expect(decode(texts, limits).map(({ channel }) => channel)).toEqual(['/a', '/b', '/c']);
  });

  it('may begin with a byte order mark (MSG-11)', () => {
    expect(decode('\ufeff[{"channel":"/a"}]', limits)).toHaveLength(1);
    expect(() => decode('\ufeff\ufeff[]', limits)).toThrow(expect.objectContaining({ fault: 'malformed' }));
  });

  it('may be empty', () => {
    expect(decode('[]', limits)).toEqual([]);
  });

  it.each([
    '',
    ' ',
    '1',
    'null',
    '"x"',
    'true',
    '{',
    '[{]',
    '[1]',
    '[null]',
    '[[]]',
    '[{"channel":"/a"},7]',
    'nonsense',
  ])('is malformed as a whole: %s (PR-10)', (text) => {
    expect(() => decode(text, limits)).toThrow(
      expect.objectContaining({ name: 'BatchError', fault: 'malformed' }),
    );
  });

  it('is malformed when one of its texts is', () => {
    expect(() => decode(['{"channel":"/a"}', 'x'], limits)).toThrow(
      expect.objectContaining({ fault: 'malformed' }),
    );
  });

  it('holds so many messages, over all its texts (PR-9)', () => {
    const text = JSON.stringify(Array.from({ length: 3 }, () => ({ channel: '/a' })));
    expect(decode(text, { maxBatch: 3, maxDepth: 64 })).toHaveLength(3);
    expect(() => decode(text, { maxBatch: 2, maxDepth: 64 })).toThrow(
      expect.objectContaining({ fault: 'too_large' }),
    );
    expect(() => decode([text, text], { maxBatch: 5, maxDepth: 64 })).toThrow(
      expect.objectContaining({ fault: 'too_large' }),
    );
  });

  it('nests so deep, the batch and its messages included', () => {
    const deep = (levels: number) => `[{"data":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}]`;
    expect(decode(deep(64), limits)).toHaveLength(1);
    expect(() => decode(deep(65), limits)).toThrow(expect.objectContaining({ fault: 'too_large' }));
  });

  it('is refused at a depth of 100,000 without looking inside (SEC-8)', () => {
    const arrays = `[{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`;
    const objects = `[{"data":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}]`;
    const began = performance.now();
    for (const text of [arrays, objects, '['.repeat(100_000)]) {
      expect(() => decode(text, limits)).toThrow(expect.objectContaining({ fault: 'too_large' }));
    }
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('does not count brackets that stand in texts', () => {
    const data = '{[{[\\"'.repeat(100);
    expect(message({ channel: '/a', data })).toMatchObject({ data });
  });

  it('is read as fast when a megabyte of it has the wrong type', () => {
    const took = (element: unknown): number => {
      const text = JSON.stringify({ channel: '/meta/subscribe', subscription: Array(400_000).fill(element) });
      const began = performance.now();
      expect(decode(text, limits)).toHaveLength(1);
      return performance.now() - began;
    };
    expect(took(1)).toBeLessThan(300 + 3 * took(''));
  });
});

describe('a list with more messages than maxBatch', () => {
  it('is refused, and no other, however it is written', () => {
    const texts = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constant({}),
      fc.constant({ a: [{}, {}, '],[{\\"'] }),
    );
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 12 }), fc.boolean(), fc.nat(6), (list, isSpread, maxDepth) => {
        const text = `${isSpread ? ' \n' : ''}${JSON.stringify(list, null, isSpread ? 1 : 0)}`;
        const isTooLong = () => {
          try {
            decode(text, { maxBatch: 5, maxDepth: maxDepth + 8 });
          } catch (error) {
            return error instanceof BatchError && error.option === 'maxBatch';
          }
          return false;
        };
        expect(isTooLong()).toBe(list.length > 5);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused before it is parsed', () => {
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    expect(() => decode(`[${'{},'.repeat(80_000)}{}]`, limits)).toThrow(BatchError);
    expect(parse).not.toHaveBeenCalled();
  });
});

describe('maxDepth', () => {
  it('refuses what a walk over the parsed value would refuse', () => {
    const isTooDeep = (text: string, maxDepth: number): boolean => {
      try {
        decode(text, { maxBatch: Number.POSITIVE_INFINITY, maxDepth });
      } catch (error) {
        return error instanceof BatchError && error.option === 'maxDepth';
      }
      return false;
    };
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 1, max: 6 }), (value, max) => {
        expect(isTooDeep(JSON.stringify(value), max)).toBe(depthOf(value) > max);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an id', () => {
  it.each(['7', 7, 0, '', '0', -1.5, '6f1c1c1e-7f2b-4a53-9d0d-0d0e0f101112', 'x'.repeat(128)])(
    'is kept as it came: %j (ID-1 to ID-3)',
    (id) => {
      expect(message({ channel: '/a', id }).id).toBe(id);
    },
  );

  it('counts as absent when it is null (ID-3)', () => {
    expect(message({ channel: '/a', id: null })).not.toHaveProperty('id');
  });

  it.each([{}, [], true, ['7'], 'x'.repeat(129)])('fails its message alone when it is %j (ID-4)', (id) => {
    const [bad, good] = read([{ channel: '/a', id }, { channel: '/b' }]);
    expect(bad).toEqual({ kind: 'invalid', fault: 'message_id_invalid', channel: '/a' });
    expect(good).toMatchObject({ kind: 'publish', channel: '/b' });
  });

  it('fails when it is a number without end', () => {
    expect(one('{"channel":"/a","id":1e999}').fault).toBe('message_id_invalid');
  });

  it('is judged before the channel (ERR-5)', () => {
    expect(message({ id: {} })).toEqual({ kind: 'invalid', fault: 'message_id_invalid' });
    expect(message({ id: '1' })).toEqual({ kind: 'invalid', fault: 'channel_missing', id: '1' });
  });
});

describe('a channel', () => {
  it.each([
    ['/meta/handshake', 'handshake'],
    ['/meta/connect', 'connect'],
    ['/meta/subscribe', 'subscribe'],
    ['/meta/unsubscribe', 'unsubscribe'],
    ['/meta/disconnect', 'disconnect'],
    ['/meta/subscribe/x', 'publish'],
    ['/meta/Connect', 'publish'],
    ['/meta/connect/', 'publish'],
    ['/a', 'publish'],
    ['/service/a', 'publish'],
    ['constructor', 'publish'],
    ['__proto__', 'publish'],
  ])('decides the kind, by exact equality: %s is a %s (CH-7)', (channel, kind) => {
    expect(message({ channel }).kind).toBe(kind);
  });

  it.each([[undefined], [null], [7], [{}], [['/a']]])('is missing when it is %j', (channel) => {
    expect(message({ channel, id: 'x' })).toEqual({ kind: 'invalid', fault: 'channel_missing', id: 'x' });
  });
});

describe('fields', () => {
  it('of the wrong type count as absent (MSG-9)', () => {
    const wrong = { ext: [], advice: 'x', connectionType: 7 };
    expect(message({ channel: '/meta/connect', ...wrong })).toEqual({
      kind: 'connect',
      channel: '/meta/connect',
    });
    expect(
      message({ channel: '/meta/handshake', version: {}, minimumVersion: [], supportedConnectionTypes: [1] }),
    ).toEqual({ kind: 'handshake', channel: '/meta/handshake' });
    expect(message({ channel: '/meta/subscribe', subscription: { a: 1 } })).toEqual({
      kind: 'subscribe',
      channel: '/meta/subscribe',
    });
    expect(message({ channel: '/meta/subscribe', subscription: ['/a', 1] })).not.toHaveProperty(
      'subscription',
    );
  });

  it('of an advice count one by one', () => {
    const read = (advice: unknown) => message({ channel: '/meta/connect', advice }).advice;
    expect(read({ timeout: 5, interval: -1 })).toEqual({ timeout: 5 });
    expect(read({ timeout: '5', interval: 0 })).toEqual({ interval: 0 });
    expect(read({ timeout: null, interval: [] })).toEqual({});
    expect(one('{"channel":"/meta/connect","advice":{"timeout":1e999,"interval":3}}').advice).toEqual({
      interval: 3,
    });
  });

  it('that name a session by anything but a text name nobody (MSG-9)', () => {
    for (const clientId of [7, {}, [], true]) expect(message({ channel: '/a', clientId }).clientId).toBe('');
    for (const clientId of [null, undefined])
      expect(message({ channel: '/a', clientId })).not.toHaveProperty('clientId');
  });

  it('that the protocol does not know are kept apart (MSG-8)', () => {
    const request = message({
      channel: '/meta/handshake',
      'com.acme.credentials': { user: 'a' },
      kind: 'publish',
      x: 1,
    });
    expect(request).toMatchObject({
      kind: 'handshake',
      extra: { 'com.acme.credentials': { user: 'a' }, kind: 'publish', x: 1 },
    });
    expect(request).not.toHaveProperty('x');
  });

  it('from older days are ignored (MSG-10)', () => {
    const old = { connectionId: 'x', 'json-comment-filtered': true, authSuccessful: true, timestamp: 'now' };
    expect(message({ channel: '/a', data: 1, ...old })).toEqual({
      kind: 'publish',
      channel: '/a',
      data: 1,
      hasData: true,
    });
  });

  it('tell data that is null from none (PB-4)', () => {
    expect(message({ channel: '/a', data: null })).toMatchObject({ hasData: true, data: null });
    expect(message({ channel: '/a' })).toMatchObject({ hasData: false });
  });

  it('read a version that is a number as its text (HS-4)', () => {
    expect(message({ channel: '/meta/handshake', version: 1, minimumVersion: 0.9 })).toMatchObject({
      version: '1',
      minimumVersion: '0.9',
    });
  });
});

describe('poison', () => {
  const poison = '{"__proto__":{"evil":1},"constructor":{"prototype":{"evil":1}},"prototype":1';

  it('is taken out of ext and advice at any depth (SEC-7)', () => {
    const { ext, advice } = one(
      `{"channel":"/meta/connect","ext":${poison},"a":[${poison},"b":2}]},"advice":${poison},"timeout":1}}`,
    );
    expect(JSON.stringify([ext, advice])).toBe('[{"a":[{"b":2}]},{"timeout":1}]');
  });

  it('is no field', () => {
    const request = one(`${poison},"channel":"/a","x":1}`);
    expect(JSON.stringify(request.extra)).toBe('{"x":1}');
  });

  it('in data goes through as it came', () => {
    expect(JSON.stringify(one(`{"channel":"/a","data":${poison}}}`).data)).toBe(`${poison}}`);
  });

  it('reaches no prototype', () => {
    decode(
      `[${poison},"channel":"/meta/connect","ext":${poison}},"advice":${poison}},"data":${poison}}}]`,
      limits,
    );
    expect(({} as Record<string, unknown>).evil).toBeUndefined();
    expect(Object.prototype).not.toHaveProperty('evil');
  });
});

describe('a publish without other fields', () => {
  const value = fc.jsonValue({ maxDepth: 2 });
  const text = fc.string({ unit: 'binary', maxLength: 140 });
  const channel = fc.oneof(text, fc.constantFrom('/a', '/meta/connect', '/meta/x', '/service/a'), value);
  const fields = fc.record(
    { channel, id: fc.oneof(text, value), clientId: fc.oneof(text, value), data: value },
    { requiredKeys: [] },
  );

  it('is read as one with a field that counts for nothing', () => {
    fc.assert(
      fc.property(fields, (plain) => {
        const alone = JSON.stringify(plain);
        const other = JSON.stringify({ ...plain, timestamp: 'x' });
        expect(one(alone)).toStrictEqual(one(other));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'extra'])(
    'is none with the field %s in place of its data',
    (name) => {
      const read = one(`{"channel":"/a","id":"1","clientId":"x","${name}":{"data":1}}`);
      expect(read.hasData).toBe(false);
      expect('data' in read).toBe(false);
    },
  );

  it('has the last of its fields of one name', () => {
    const read = one('{"channel":"/b","channel":"/a","id":"1","clientId":"x","data":1,"data":2}');
    expect(read).toStrictEqual({
      kind: 'publish',
      channel: '/a',
      id: '1',
      clientId: 'x',
      data: 2,
      hasData: true,
    });
  });
});

describe('any JSON at all', () => {
  it('is read, or refused as a batch; nothing else is thrown', () => {
    const channels = fc.constantFrom(
      '/meta/handshake',
      '/meta/connect',
      '/meta/subscribe',
      '/a',
      'x',
      '__proto__',
    );
    const fields = fc.dictionary(
      fc.constantFrom(
        'id',
        'clientId',
        'ext',
        'advice',
        'subscription',
        'version',
        'data',
        '__proto__',
        'supportedConnectionTypes',
      ),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const messages = fc.tuple(channels, fields).map(([channel, more]) => ({ channel, ...more }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.array(messages).map((batch) => JSON.stringify(batch)),
          fc.string(),
        ),
        (text) => {
          try {
            for (const { kind } of decode(text, limits)) expect(typeof kind).toBe('string');
          } catch (error) {
            expect(error).toMatchObject({ name: 'BatchError' });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
