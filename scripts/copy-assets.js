// Copies files that `tsc` does not: the chat page, Faye's browser client with its licence notice, and the documentation as HTML.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderDocs } from './render-docs.js';

const root = new URL('../', import.meta.url);
const faye = new URL('node_modules/faye/', root);
const vendor = new URL('src/http/pages/vendor/', root);

const { version } = JSON.parse(readFileSync(new URL('package.json', faye), 'utf8'));
const notice = readFileSync(new URL('LICENSE.md', faye), 'utf8').trim();
const client = readFileSync(new URL('client/faye-browser-min.js', faye), 'utf8');

mkdirSync(vendor, { recursive: true });
writeFileSync(
  new URL('faye-client.js', vendor),
  `/*!\nFaye ${version}, browser client; without the reference to its source map, else unchanged.\n\n${notice}\n*/\n` +
    client.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n'),
);
renderDocs(fileURLToPath(new URL('src/http/pages/docs/', root)));
cpSync(new URL('src/http/pages/', root), new URL('dist/http/pages/', root), { recursive: true });
