// Renders the documentation to the HTML pages that the program serves under /docs/, all in one folder.
// docs/README.md is the index.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Marked } from 'marked';
import { anchorOf } from './anchor.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const topics = readdirSync(join(root, 'docs'), { recursive: true }).filter((name) => name.endsWith('.md'));
const files = [
  ...topics.map((name) => `docs/${name}`),
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
];

/** Empties this folder and renders all pages into it. */
export function renderDocs(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of files) writeFileSync(join(folder, pageOf(file)), render(file));
  const images = join(root, 'docs/images');
  if (existsSync(images)) cpSync(images, join(folder, 'images'), { recursive: true });
}

function pageOf(file) {
  if (file === 'docs/README.md') return 'index.html';
  if (file === 'SECURITY.md') return 'reporting.html';
  return posix.basename(file).toLowerCase().replace(/md$/, 'html');
}

function render(file) {
  const markdown = readFileSync(join(root, file), 'utf8');
  const title = /^# (.+)$/m.exec(markdown)?.[1] ?? file;
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${escaped(title)} · bayeuxd</title>
  <link rel="icon" href="/page/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/page/docs.css">
</head>
<body>
  <nav><a href="/docs/">Documentation</a> <a href="/">Chat</a></nav>
  <main>
${markedFor(file).parse(markdown)}</main>
</body>
</html>
`;
}

function markedFor(file) {
  return new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      table(token) {
        return `<div class="wide" tabindex="0" role="region" aria-label="Table">${tableOf(this, token)}</div>\n`;
      },
      link(token) {
        // Files of the repository are not served.
        if (/^\.\.?\/(?!.*\.html)/.test(token.href)) return this.parser.parseInline(token.tokens);
        return false;
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escaped(text)}</code></pre>\n`;
      },
    },
    walkTokens(token) {
      if (token.type === 'link') token.href = targetOf(file, token.href);
      if (token.type === 'html') token.text = token.text.replaceAll('"docs/images/', '"images/');
    },
  });
}

function tableOf({ parser }, { header, rows }) {
  const row = (cells, tag) =>
    `<tr>${cells.map(({ tokens }) => `<${tag}>${parser.parseInline(tokens)}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${row(header, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table>`;
}

/** Turns a link to another file of the documentation into one to its page. */
function targetOf(file, href) {
  const [path, anchor] = href.split('#');
  const target = posix.join(posix.dirname(file), path);
  if (!files.includes(target)) return href;
  return pageOf(target) + (anchor === undefined ? '' : `#${anchor}`);
}

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => text.replaceAll(/[&<>"]/g, (character) => escapes[character]);
