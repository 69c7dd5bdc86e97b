import { block, type Item } from './columns.ts';

const commands: readonly Item[] = [
  ['bayeuxd serve [options]', 'Serve Bayeux and a chat page.'],
  ['bayeuxd publish <url> <channel> <json>', 'Publish an event; - reads stdin.'],
  ['bayeuxd subscribe <url> <pattern>', 'Print events as JSON lines.'],
  ['bayeuxd stats | nodes | sessions | …', 'See what a running server has.'],
  ['bayeuxd explain | token | key | init', 'Ask why; make a token, key or config.'],
];

const options: readonly Item[] = [
  ['--host <address>', 'Address to listen on; 0.0.0.0 for all. (127.0.0.1)'],
  ['--port <number>', 'Port to listen on. (8000)'],
  ['--path <path>', 'URL path of Bayeux. (/bayeux)'],
  ['--config <file>', 'File with options; --check finds its mistakes.'],
  ['--policy <file>', 'JavaScript file that decides who may do what.'],
  ['--origins <list>', 'Origins of allowed pages: same, *, or a list. (same)'],
  ['--allowed-hosts <list>', 'Host names to accept besides localhost.'],
  ['--trust-proxy <list>', 'Proxies in front: their number, or their addresses.'],
  ['--api-key <key>', 'Key of the HTTP API; generate makes one.'],
  ['--tls-cert <file>', 'Certificate for HTTPS; needs --tls-key <file> too.'],
  ['--log-level <word>', 'trace, debug, info, warn, error or silent. (info)'],
  ['--no-demo', 'Do not serve the chat page.'],
];

/** The commands and the most common options, on one screen of 80 columns. */
export function helpScreen(version: string): string {
  return `bayeuxd ${version}: a Bayeux 1.0 server for CometD, Faye and jsforce clients.
${block('Usage', commands, 80, 42)}

${block('Options of serve, with the default in parentheses', options, 80, 27)}

All commands and options: bayeuxd --help all. Of one command: bayeuxd stats -h.
`;
}
