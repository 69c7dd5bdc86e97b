// The pages of the site, in the order of the sidebar, and where each comes from.

/** Headings of the sidebar, each with its pages: the name of the page in the site, its file in the repository, and its title there. */
export const sections = [
  [
    'Start',
    [
      ['start', 'README.md', 'What it is'],
      ['tutorial', 'docs/tutorial.md', 'Tutorial'],
      ['tasks', 'docs/README.md', 'Find it by task'],
    ],
  ],
  [
    'Guides: build',
    [
      ['guide/chat', 'docs/guide/chat.md', 'A chat in ten steps'],
      ['recipes', 'docs/recipes.md', 'Recipes'],
      ['embedding', 'docs/embedding.md', 'In your application'],
      ['http-api', 'docs/http-api.md', 'From another back end'],
      ['channels', 'docs/channels.md', 'Channels'],
      ['delivery', 'docs/delivery.md', 'Delivery'],
      ['history', 'docs/history.md', 'History'],
      ['presence', 'docs/presence.md', 'Presence'],
      ['direct-messages', 'docs/direct-messages.md', 'Direct messages'],
      ['extensions', 'docs/extensions.md', 'Extensions'],
      ['testing', 'docs/testing.md', 'Testing'],
      ['migrating', 'docs/migrating.md', 'Coming from another server'],
    ],
  ],
  [
    'Guides: protect',
    [
      ['authentication', 'docs/authentication.md', 'Authentication'],
      ['policies', 'docs/policies.md', 'Policies'],
      ['security', 'docs/security.md', 'Security'],
      ['limits', 'docs/limits.md', 'Limits'],
    ],
  ],
  [
    'Guides: run',
    [
      ['deploying', 'docs/deploying.md', 'Deploying'],
      ['operations', 'docs/operations.md', 'Operations'],
      ['command-line', 'docs/command-line.md', 'The command line'],
      ['dashboard', 'docs/dashboard.md', 'The dashboard'],
      ['tracing', 'docs/tracing.md', 'Tracing'],
      ['performance', 'docs/performance.md', 'Performance'],
      ['cluster', 'docs/cluster.md', 'Several nodes'],
      ['engines', 'docs/engines.md', 'Engines'],
      ['troubleshooting', 'docs/troubleshooting.md', 'Troubleshooting'],
    ],
  ],
  [
    'Reference',
    [
      ['options', 'docs/options.md', 'Options'],
      ['errors', 'docs/errors.md', 'Errors'],
      ['wire', 'docs/wire.md', 'The wire'],
    ],
  ],
  [
    'Project',
    [
      ['architecture', 'docs/architecture.md', 'Architecture'],
      ['contributing', 'CONTRIBUTING.md', 'Contributing'],
      ['changelog', 'CHANGELOG.md', 'Changes'],
      ['reporting', 'SECURITY.md', 'Reporting a vulnerability'],
    ],
  ],
];

export const pages = sections.flatMap(([, list]) => list);
