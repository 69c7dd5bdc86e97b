// Makes pages of the OpenAPI document that a server of the build serves.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import express from 'express';
import { api, Server } from '../../dist/index.js';

/** The OpenAPI document, as a server with all of its routes gives it. */
async function servedDocument() {
  const server = new Server({ journal: true });
  const http = createServer(express().use('/api', api(server)));
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(`http://127.0.0.1:${http.address().port}/api/openapi.json`);
  const document = await answer.json();
  http.close();
  await server.close();
  return document;
}

/** Writes a page for each tag into this folder, and the document as a file. Returns the pages: name and title. */
export async function writeHttpApi(source) {
  const document = await servedDocument();
  const folder = join(source, 'reference/http');
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(source, 'public'), { recursive: true });
  writeFileSync(join(source, 'public/openapi.json'), `${JSON.stringify(document, undefined, 2)}\n`);
  return document.tags.map(({ name }) => {
    const page = `reference/http/${name.toLowerCase()}`;
    writeFileSync(join(source, `${page}.md`), pageOf(document, name));
    return [page, name];
  });
}

function pageOf({ paths, servers }, tag) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method, path })),
  );
  return [
    `# HTTP API: ${tag}`,
    `How to call it, keys and errors: [publishing from another back end](../../http-api.md). The [OpenAPI document](/openapi.json){target="_self"} has all of this for programs.`,
    ...operations.filter(({ tags }) => tags.includes(tag)).flatMap((one) => operationOf(one, servers[0].url)),
    '',
  ].join('\n\n');
}

function operationOf({ method, path, summary, description, parameters, requestBody, responses }, base) {
  const { 200: done, ...refusals } = responses;
  const request = requestBody?.content['application/json'].schema;
  return [
    `## ${summary}`,
    `\`${method.toUpperCase()} ${base}${path}\``,
    description,
    ...titled('Parameters', parameters.map(parameterRow), ['name', 'in', 'value', '']),
    ...(request === undefined ? [] : ['**Body**', ...formsOf(request)]),
    ...Object.entries(done.content).flatMap(answerOf),
    ...titled('Errors', Object.entries(refusals).flatMap(errorRows), ['status', 'code', '']),
  ];
}

const answerOf = ([type, { schema }]) => [
  type === 'application/json' ? '**Answer**' : `**Answer**, as \`${type}\``,
  ...formsOf(schema),
];

const parameterRow = ({ name, in: place, required, description = '', schema }) => [
  `\`${name}\``,
  required ? `${place}, required` : place,
  typeOf(schema),
  description,
];

const errorRows = ([status, { description }]) =>
  description.split('\n\n').map((line) => {
    const [, code, when] = /^`(\w+)`: (.*)$/s.exec(line);
    return [status, `\`${code}\``, when];
  });

function titled(title, rows, head) {
  return rows.length === 0 ? [] : [`**${title}**`, table(head, rows)];
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

/** Each form that a body may have: what it is, and a table of its fields. */
function formsOf(schema) {
  const forms = schema.oneOf ?? [schema];
  return forms.flatMap((form, at) => {
    const what = form.description ?? (at === 0 ? undefined : 'Or:');
    const rows = fieldsOf(form);
    const empty = rows.length === 0 ? [typeOf(form)] : [];
    return [...(what === undefined ? [] : [what]), ...empty, ...titledTable(rows)];
  });
}

const titledTable = (rows) => (rows.length === 0 ? [] : [table(['field', 'value', ''], rows)]);

/** The fields of a schema, those inside of it by their path. */
function fieldsOf({ properties = {}, required = [], items, oneOf }, prefix = '') {
  if (items !== undefined) return fieldsOf(items, `${prefix}[]`);
  if (oneOf !== undefined && prefix !== '') return oneOf.flatMap((one) => fieldsOf(one, prefix));
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const type = required.includes(name) ? `${typeOf(field)}, required` : typeOf(field);
    return [[`\`${path}\``, type, field.description ?? ''], ...fieldsOf(field, path)];
  });
}

function typeOf(schema) {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.oneOf !== undefined) return schema.oneOf.map(typeOf).join(', or ');
  const types = [schema.type ?? 'any JSON'].flat().join(' or ');
  if (schema.title !== undefined) return `${types}, such as \`${schema.examples?.[0] ?? schema.title}\``;
  if (schema.items !== undefined) return `array of ${typeOf(schema.items)}`;
  const bounds = [schema.minimum, schema.maximum];
  if (bounds[1] !== undefined) return `${types}, ${bounds[0] ?? 0} to ${bounds[1]}`;
  return schema.default === undefined ? types : `${types}, by default \`${schema.default}\``;
}
