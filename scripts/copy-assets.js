// Copies files that `tsc` does not: the chat page, the dashboard, Faye's browser client and uPlot with their licence notices, and the
// documentation as HTML.
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
const uplot = new URL('node_modules/uplot/', root);
const licence = `/*!\n${readFileSync(new URL('LICENSE', uplot), 'utf8').trim()}\n*/\n`;
const chart = readFileSync(new URL('dist/uPlot.iife.min.js', uplot), 'utf8').trim();
const style = readFileSync(new URL('dist/uPlot.min.css', uplot), 'utf8').trim();
// The script defines `uPlot`. As a module it is smaller than the one that uPlot has.
writeFileSync(new URL('uplot.js', vendor), `${licence}${chart}\nexport default uPlot;\n`);
writeFileSync(new URL('uplot.css', vendor), `${licence}${style}\n`);
renderDocs(fileURLToPath(new URL('src/http/pages/docs/', root)));
for (const folder of ['pages', 'clients'])
  cpSync(new URL(`src/http/${folder}/`, root), new URL(`dist/http/${folder}/`, root), { recursive: true });
