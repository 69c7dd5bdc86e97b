import { block, type Item } from './columns.ts';

const commands: readonly Item[] = [
  ['bayeuxd serve [options]', 'Serve Bayeux and a chat page.'],
  ['bayeuxd publish <url> <channel> <json>', 'Publish an event; - reads lines.'],
  ['bayeuxd subscribe <url> <pattern>', 'Print events as JSON lines.'],
  ['bayeuxd bench <url>', 'Measure a server.'],
  ['bayeuxd token | key [options]', 'Make a token, or an API key.'],
];

const options: readonly Item[] = [
  ['--host <address>', 'Address to listen on; 0.0.0.0 is all. (127.0.0.1)'],
  ['--port <number>', 'Port to listen on. (8000)'],
  ['--path <path>', 'Where Bayeux is served. (/bayeux)'],
  ['--config <file>', 'A file with options; --check says what is wrong.'],
  ['--policy <file>', 'Who may do what: a module whose default is a policy.'],
  ['--origins <list>', 'Pages that may use it: same, *, or a list. (same)'],
  ['--allowed-hosts <list>', 'Host names that it answers to besides localhost.'],
  ['--trust-proxy <list>', 'Proxies in front of it: how many, or their addresses.'],
  ['--api-key <key>', 'Key of the HTTP API; generate makes one.'],
  ['--tls-cert <file>', 'Certificate for HTTPS; needs --tls-key <file>, too.'],
  ['--log-level <word>', 'trace, debug, info, warn, error or silent. (info)'],
  ['--no-demo', 'No chat page.'],
];

/** What fits one screen of 80 columns: the commands, and the options that most people need. */
export function helpScreen(version: string): string {
  return `bayeuxd ${version}: a Bayeux 1.0 server for CometD, Faye and jsforce clients.
${block('Usage', commands, 80, 42)}

${block('Options of serve', options, 80, 27)}

All options: bayeuxd --help all. Options of a command: bayeuxd publish --help.
`;
}
