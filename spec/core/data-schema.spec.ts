import { describe, expect, it } from 'vitest';
import { compileSchema } from '../../src/features/data-schema/compiled-schema.ts';
import type { JsonSchema } from '../../src/options/table.ts';
import { resolveOptions } from '../../src/server-options.ts';
import { UsageError } from '../../src/lib/usage-error.ts';
import { BayeuxError } from '../../src/protocol/errors.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';

const faultIn = (schema: JsonSchema, data: unknown) =>
  compileSchema(schema, 'channels["/a"].schema').faultIn(data);

const price = {
  type: 'object',
  properties: { price: { type: 'number' }, tags: { type: 'array', items: { type: 'string' } } },
  required: ['price'],
};

describe('a data schema', () => {
  it.each([
    [{ price: 3 }, undefined],
    [{ price: 3, more: null }, undefined],
    [{ price: '3' }, { path: '/price', message: 'must be number' }],
    [
      { price: 3, tags: ['a', 4, 5] },
      { path: '/tags/1', message: 'must be string' },
    ],
    [{}, { path: '', message: "must have required property 'price'" }],
    [null, { path: '', message: 'must be object' }],
    [undefined, { path: '', message: 'must be there' }],
  ])('finds the first fault in %j', (data, fault) => {
    expect(faultIn(price, data)).toEqual(fault);
  });

  it('may be a boolean', () => {
    expect(faultIn(true, null)).toBeUndefined();
    expect(faultIn(true, undefined)).toEqual({ path: '', message: 'must be there' });
    expect(faultIn(false, 1)).toEqual({ path: '', message: 'boolean schema is false' });
  });

  it('writes the path as a JSON pointer', () => {
    const schema = { additionalProperties: { type: 'number' } };
    expect(faultIn(schema, { 'a/b~c': 'x' })?.path).toBe('/a~1b~0c');
  });

  it.each([
    ['draft-07, which is the default', {}, { items: [{ type: 'number' }] }],
    ['draft-07', { $schema: 'http://json-schema.org/draft-07/schema#' }, { items: [{ type: 'number' }] }],
    [
      '2019-09',
      { $schema: 'https://json-schema.org/draft/2019-09/schema' },
      { items: [{ type: 'number' }], dependentRequired: { a: ['b'] } },
    ],
    [
      '2020-12',
      { $schema: 'https://json-schema.org/draft/2020-12/schema' },
      { prefixItems: [{ type: 'number' }] },
    ],
  ])('is read as %s', (_name, dialect, keywords) => {
    const schema = { ...dialect, ...keywords };
    expect(faultIn(schema, [1, 'x'])).toBeUndefined();
    expect(faultIn(schema, ['x'])).toEqual({ path: '/0', message: 'must be number' });
  });

  it.each([
    [{ type: 'nmber' }, /^channels\["\/a"\]\.schema is not a usable JSON schema: schema is invalid/],
    [{ tpye: 'number' }, /unknown keyword: "tpye"/],
    [{ prefixItems: [] }, /unknown keyword: "prefixItems"/],
    [{ format: 'date-time' }, /unknown format "date-time"/],
    [{ $ref: 'https://example.com/other.json' }, /can't resolve reference/],
    [{ $schema: 'http://json-schema.org/draft-04/schema#' }, /no schema with key or ref/],
    [{ pattern: '(' }, /channels\["\/a"\]\.schema/],
    [{ $async: true, type: 'object' }, /channels\["\/a"\]\.schema must not be asynchronous/],
  ])('is refused when it is %j', (schema, message) => {
    const build = () => resolveOptions({ channels: { '/a': { schema } } });
    expect(build).toThrow(UsageError);
    expect(build).toThrow(message);
  });

  it('may have the $id that another has', () => {
    const schema = (type: string) => ({ $id: 'https://example.com/a', type });
    expect(faultIn(schema('string'), 1)).toEqual({ path: '', message: 'must be string' });
    expect(faultIn(schema('number'), 1)).toBeUndefined();
  });

  it('leaves data as it is', () => {
    const schema = {
      properties: { a: { default: 5 }, b: { type: 'number' } },
      additionalProperties: false,
    };
    const data = Object.freeze({ b: 1 });
    expect(faultIn(schema, data)).toBeUndefined();
    expect(data).toEqual({ b: 1 });
    expect(faultIn(schema, { b: '1' })?.path).toBe('/b');
  });

  it('sees what the data has of its own, and nothing else (CH-9)', () => {
    const required = { required: ['constructor', '__proto__'] };
    expect(faultIn(required, {})).toMatchObject({ path: '' });
    expect(faultIn(required, JSON.parse('{"constructor": 1, "__proto__": {"x": 1}}'))).toBeUndefined();
    expect(faultIn({ properties: { toString: { type: 'number' } } }, {})).toBeUndefined();
    expect(faultIn({ additionalProperties: false }, JSON.parse('{"__proto__": {}}'))).toMatchObject({
      path: '',
    });
    const inherited = { properties: { x: { type: 'string' } } };
    expect(faultIn(inherited, JSON.parse('{"__proto__": {"x": 1}}'))).toBeUndefined();
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });

  it('is compiled from a copy of what was given', async () => {
    const schema = { type: 'number' };
    const options = resolveOptions({ channels: { '/a': { schema } } });
    schema.type = 'string';
    expect(options.channels['/a']?.schema).toEqual({ type: 'number' });
    expect(resolveOptions(options).channels['/a']?.schema).toBe(options.channels['/a']?.schema);
  });
});

describe('a publish to a channel with a schema', () => {
  const settings = { channels: { '/prices/**': { schema: price }, '/service/ask': { schema: price } } };
  const fault = { path: '/price', message: 'must be number' };

  it('reaches nobody when its data breaks it', async () => {
    const { server } = serve(settings);
    const heard: unknown[] = [];
    server.subscribe('/**', ({ channel }) => void heard.push(channel));
    const [ann, bob] = [await FakeClient.open(server), await FakeClient.connected(server)];
    await bob.subscribe('/prices/*');
    const held = await bob.connect();
    for (const channel of ['/prices/acme', '/service/ask']) {
      const { reply } = await ann.send(ann.message(channel, { id: 'p', data: { price: 'x' } }));
      const error = `400:${channel}:data_invalid`;
      expect(reply).toEqual({ id: 'p', channel, successful: false, error, ext: { fault } });
    }
    expect(heard).toEqual([]);
    for (const channel of ['/prices/acme', '/service/ask', '/other']) {
      expect((await ann.publish(channel, { price: 5 })).reply).toMatchObject({ successful: true });
    }
    await bob.flushed();
    expect(held.events).toEqual([{ channel: '/prices/acme', data: { price: 5 } }]);
    expect(heard).toEqual(['/prices/acme', '/service/ask', '/other']);
  });

  it('needs data on a service channel too (PB-4)', async () => {
    const { server } = serve(settings);
    const ann = await FakeClient.open(server);
    const { reply } = await ann.send(ann.message('/service/ask'));
    expect(reply).toMatchObject({ ext: { fault: { path: '', message: 'must be there' } } });
    expect((await ann.send(ann.message('/service/other'))).reply).toMatchObject({ successful: true });
    expect((await ann.send(ann.message('/prices/a'))).reply).toMatchObject({ error: '400::data_missing' });
  });

  it('is judged by the policy first', async () => {
    const { server } = serve({ ...settings, policy: { canPublish: () => false } });
    const ann = await FakeClient.open(server);
    expect((await ann.publish('/prices/a', 'x')).reply).toMatchObject({
      error: '403:/prices/a:publish_denied',
    });
  });

  it('is checked without a session as well (PB-3)', async () => {
    const { server } = serve({ ...settings, unconnectedPublish: 'allow' });
    const { messages } = await ask(server, [{ channel: '/prices/a', data: { price: 'x' } }]);
    expect(messages).toMatchObject([{ error: '400:/prices/a:data_invalid', ext: { fault } }]);
    const good = await ask(server, [{ channel: '/prices/a', data: { price: 1 } }]);
    expect(good.messages).toMatchObject([{ successful: true }]);
  });

  it('of the server’s own, or of a session in its process, is rejected', async () => {
    const { server } = serve(settings);
    const local = await server.localSession();
    for (const side of [server, local]) {
      const refused = side.publish('/prices/a', { price: 'x' });
      await expect(refused).rejects.toThrow(BayeuxError);
      await expect(refused).rejects.toMatchObject({ message: '400:/prices/a:data_invalid', ext: { fault } });
      await side.publish('/prices/a', { price: 1 });
    }
  });

  it('is checked as it is on the wire: bytes are text', async () => {
    const schema = { properties: { data: { type: 'string' } } };
    const { server } = serve({ channels: { '/a': { schema } } });
    await server.publish('/a', { data: new Uint8Array([1, 2, 3, 4]) });
    await expect(server.publish('/a', { data: 5 })).rejects.toThrow('data_invalid');
  });

  it('is no event of one session', async () => {
    const { server } = serve(settings);
    const ann = await FakeClient.connected(server);
    const held = await ann.connect();
    server.session([...server.sessions][0]?.id ?? '')?.deliver('/prices/a', 'anything');
    await ann.flushed();
    expect(held.events).toEqual([{ channel: '/prices/a', data: 'anything' }]);
  });
});
