import { existsSync, readFileSync } from 'node:fs';
import { anchorOf } from '../../anchor.js';
import { sections } from '../pages.js';

const source = new URL('../source/', import.meta.url);

const made = (name) => {
  const file = new URL(name, source);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
};

const httpItems = made('http-pages.json').map(([page, text]) => ({ text, link: `/${page}` }));

/** Entries of the sidebar for the API reference, of what typedoc says of its pages: one for each name to import. */
const apiItems = (entries) =>
  entries.flatMap(({ path, children = [] }) => {
    const text = path?.replace(/\.md$/, '');
    return [...(path ? [{ text, link: `/reference/api/${text}` }] : []), ...apiItems(children)];
  });

const reference = [
  { text: 'HTTP API', items: httpItems },
  {
    text: 'API',
    link: '/reference/api/',
    items: apiItems(made('navigation.json')),
  },
];

export default {
  title: 'bayeuxd',
  description: 'A publish/subscribe server for CometD, Faye and jsforce clients.',
  lang: 'en',
  srcDir: 'source',
  outDir: '../../site',
  cleanUrls: false,
  head: [['link', { rel: 'icon', href: '/icon.svg', type: 'image/svg+xml' }]],
  // Links to a server that a reader starts.
  ignoreDeadLinks: [/^http:\/\/127\.0\.0\.1:8000/],
  markdown: {
    anchor: { slugify: anchorOf },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    languageAlias: { haproxy: 'nginx' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'By task', link: '/tasks' },
      { text: 'Options', link: '/options' },
      { text: 'API', link: '/reference/api/' },
    ],
    sidebar: sections.map(([text, pages]) => ({
      text,
      items: [
        ...pages.map(([name, , title]) => ({ text: title, link: `/${name}` })),
        ...(text === 'Reference' ? reference : []),
      ],
    })),
  },
};
