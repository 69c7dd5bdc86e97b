// Makes the documentation site in site/, from docs/, the comments of the source and the OpenAPI document of the build.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vitepress';
import { compose } from './compose.js';
import { writeHttpApi } from './http-api.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));
const source = join(here, 'source');

for (const made of [source, join(root, 'site')]) rmSync(made, { recursive: true, force: true });
compose(root, source);
const http = await writeHttpApi(source);
writeFileSync(join(source, 'http-pages.json'), JSON.stringify(http));
execFileSync(join(here, 'node_modules/.bin/typedoc'), { cwd: here, stdio: 'inherit' });
await build(here);
