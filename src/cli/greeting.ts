import type { Config } from './config.ts';

/** What the program prints when it is up: where everything is, and the key it made. */
export function greeting(
  { program, isPublic, places }: Config,
  version: string,
  url: string,
  key: string | undefined,
  hasKeys: boolean,
): string {
  const unasked =
    isPublic && !places.has('demo') ? 'not served where others can reach it; --demo serves it' : undefined;
  const chat = program.demo ? `${url}/` : unasked;
  const lines = [
    ['Bayeux', url + program.path],
    ...(chat === undefined ? [] : [['Chat', chat]]),
    ['HTTP API', `${url}/api/publish`],
    ['API key', keyLine(program.apiKey, key, hasKeys)],
  ];
  return [`bayeuxd ${version}`, ...lines.map(([name = '', text]) => `  ${name.padEnd(9)} ${text}`)].join(
    '\n',
  );
}

function keyLine(configured: string | undefined, key: string | undefined, hasKeys: boolean): string {
  if (!hasKeys) return 'none, so the HTTP API is closed; set one with --api-key or BAYEUXD_API_KEY';
  return configured === 'generate' ? `${key} (made for this run)` : 'as configured';
}
