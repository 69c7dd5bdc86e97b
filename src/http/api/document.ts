import type { Schema } from './checker.ts';
import { type ProblemCode, problemSchema, problems } from './problem.ts';
import type { Route } from './route.ts';

const everywhere: readonly ProblemCode[] = [
  ...(['key_missing', 'key_wrong', 'token_invalid', 'token_expired', 'token_revoked'] as const),
  ...(['api_closed', 'too_many_wrong_keys', 'too_many_requests'] as const),
  ...(['failed', 'keys_unavailable', 'closing'] as const),
];
const withBody = [
  ...(['json_invalid', 'body_invalid', 'depth_exceeded'] as const),
  ...(['body_too_large', 'media_type_wrong'] as const),
];
const whenRepeatable = [
  'idempotency_key_invalid',
  'idempotency_key_reused',
  'request_running',
  'engine_unavailable',
] as const;

/** The errors that a route may answer with, besides those of another method or path. */
function problemsOf(route: Route): readonly ProblemCode[] {
  return [
    ...everywhere,
    ...(route.right === undefined ? [] : (['right_missing'] as const)),
    ...(route.right === undefined || route.right === 'admin' ? [] : (['channel_denied'] as const)),
    ...(route.path.includes('{') ? (['path_invalid'] as const) : []),
    ...(route.method === 'get' ? (['query_invalid'] as const) : withBody),
    ...(route.method === 'post' && route.isRepeatable ? whenRepeatable : []),
    ...(route.problems ?? []),
  ];
}

/** The document of the API (OpenAPI 3.1). `base` is its mount. */
export function documentOf(routes: readonly Route[], base: string): object {
  const paths = new Map<string, object>();
  for (const route of routes)
    paths.set(route.path, { ...paths.get(route.path), [route.method]: operation(route) });
  return {
    openapi: '3.1.0',
    info: {
      title: 'bayeuxd',
      version: '1',
      description: 'Publishes events, and shows and controls a bayeuxd server.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: base === '' ? '/' : base }],
    security: [{ bearer: [] }, { key: [] }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, or a token (JWT) with rights for the API.',
        },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: { Problem: problemSchema },
    },
  };
}

function operation(route: Route): object {
  const { name: operationId, tag, summary, description } = route;
  const rights = neededFor(route);
  return {
    operationId,
    tags: [tag],
    summary,
    description: description === undefined ? rights : `${description} ${rights}`,
    parameters: [
      ...pathParameters(route),
      ...(route.method === 'get' ? parametersOf(route.query) : headersOf(route)),
    ],
    ...(route.method === 'post' && {
      requestBody: { required: true, content: { 'application/json': { schema: route.body } } },
    }),
    responses: {
      200: {
        description: 'Done.',
        content: { [route.answerType ?? 'application/json']: { schema: route.answer } },
        ...(route.links !== undefined && { links: linksOf(route.links) }),
      },
      ...refusalsOf(problemsOf(route)),
    },
  };
}

function neededFor({ right, everywhere = false }: Route): string {
  if (right === undefined) return 'Any key or token will do.';
  const scope = right === 'admin' ? '' : everywhere ? ' for every channel' : ' for the channels';
  return `Needs the right \`${right}\`${scope}.`;
}

function linksOf(links: NonNullable<Route['links']>): object {
  return Object.fromEntries(
    Object.entries(links).map(([operationId, parameters]) => [operationId, { operationId, parameters }]),
  );
}

function pathParameters({ path }: Route): object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } };
  });
}

function parametersOf({ properties = {}, required = [] }: Schema): object[] {
  const names: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.entries(properties ?? {}).map(([name, { description, ...schema }]) => {
    return { name, in: 'query', required: names.includes(name), description, schema };
  });
}

function headersOf(route: Route): object[] {
  if (route.method !== 'post' || !route.isRepeatable) return [];
  const description =
    'Makes it safe to send the request again: it is carried out once, and the first answer comes again, with `Idempotent-Replayed: true`.';
  const schema = { type: 'string', pattern: '^[!-~]{1,255}$' };
  return [{ name: 'Idempotency-Key', in: 'header', required: false, description, schema }];
}

function refusalsOf(codes: readonly ProblemCode[]): object {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes)
    byStatus.set(problems[code][0], [...(byStatus.get(problems[code][0]) ?? []), code]);
  const entries = [...byStatus].map(([status, all]) => [
    status,
    {
      description: all.map((code) => `\`${code}\`: ${problems[code][1]}`).join('\n\n'),
      content: { 'application/problem+json': { schema: problemWith(all) } },
    },
  ]);
  return Object.fromEntries(entries);
}

function problemWith(codes: readonly ProblemCode[]): object {
  return {
    allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }],
  };
}
