import { symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ask, run, serve } from '../cli/running-program.ts';
import { readPage } from '../docs/markdown.ts';
import { installedWithout, runIn } from '../support/installed-without.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { file } = tempFolder();
const [sdk] = readPage('docs/tracing.md').blocks.filter(({ language }) => language === 'javascript');
const otel = file('otel.mjs', sdk?.text ?? 'throw new Error("docs/tracing.md has no otel.mjs")');
symlinkSync(resolve('node_modules'), join(dirname(otel), 'node_modules'));

const key = 'a-key-of-a-spec';
const traceId = 'a'.repeat(32);
const traceparent = `00-${traceId}-${'b'.repeat(16)}-01`;

it('traces with the SDK of a file that is loaded first, and continues the trace of an API request', async () => {
  const flags = ['--tracing', '--tracing-to-subscribers', '/news', '--api-key', key];
  const { url, stdout, stderr } = await serve(flags, { NODE_OPTIONS: `--import=${otel}` });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}`, traceparent };
  const body = JSON.stringify({ channel: '/news', data: 'hello' });
  expect((await ask(`${url}/api/publish`, { method: 'POST', headers, body })).status).toBe(200);
  await expect.poll(stdout).toMatch(/name: 'publish'/);
  expect(stdout()).toContain(`traceId: '${traceId}'`);
  expect(stdout()).toContain(`spanId: '${'b'.repeat(16)}'`);
  expect(stderr()).not.toContain('tracing');
});

it('says that an SDK is missing', async () => {
  const { stderr } = await serve(['--tracing']);
  expect(stderr()).toContain('tracing.no_sdk');
});

it('says what to install', async () => {
  const place = installedWithout('@opentelemetry/api');
  const problem = 'tracing needs the package @opentelemetry/api: npm install @opentelemetry/api';
  for (const flags of [['--port', '0'], ['--check']])
    expect(await runIn(place, [...flags, '--tracing'])).toEqual({
      status: 1,
      stderr: `bayeuxd: configuration: ${problem}\n`,
    });
});

it('is off unless asked for', async () => {
  const { stdout } = await run(['--print-config']);
  expect(stdout).toMatch(/^tracing: false$/m);
});
