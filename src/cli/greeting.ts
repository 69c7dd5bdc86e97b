import type { Config } from './config.ts';

/** The text that the program prints when it listens: its URLs and the API key. */
export function greeting(
  { program, isPublic, places }: Config,
  version: string,
  { main: url, metrics }: { readonly main: string; readonly metrics?: string | undefined },
  key: string | undefined,
  hasKeys: boolean,
): string {
  const whyOff = (name: 'demo' | 'admin') =>
    isPublic && !places.has(name)
      ? `off, since other machines can reach this server; --${name} turns it on`
      : undefined;
  const chat = program.demo ? `${url}/` : whyOff('demo');
  const dashboard = program.admin ? `${url}/admin/` : hasKeys ? whyOff('admin') : undefined;
  const lines = [
    ['Bayeux', url + program.path],
    ...(chat === undefined ? [] : [['Chat', chat]]),
    ['HTTP API', `${url}/api/publish`],
    ...(dashboard === undefined ? [] : [['Dashboard', dashboard]]),
    ...(metrics === undefined ? [] : [['Metrics', `${metrics}/metrics`]]),
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
