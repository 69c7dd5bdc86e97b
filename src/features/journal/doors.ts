import { kindOf } from '../../protocol/channel.ts';
import type { Refused } from './facts.ts';
import { cause, type Finding } from './finding.ts';
import { fixBy, sentence, timesOf } from './words.ts';

/** Refusals of requests that have no session yet. */
const doors: Readonly<Record<string, readonly [code: string, fix: string]>> = {
  'origin.refused': ['origin_refused', 'Add the origin of the page to "origins".'],
  'host.refused': ['host_refused', 'Add the host name to "allowedHosts".'],
  'mount.missed': [
    'mount_missed',
    'Correct the URL in the client, or mount Bayeux on that path too ("path").',
  ],
  'upgrade.not_attached': [
    'upgrade_refused',
    'Attach the server to the HTTP server, so that it gets WebSockets.',
  ],
  'auth.refused': ['token_refused', 'Check the token with: bayeuxd token --verify'],
  'session.refused': ['session_refused', 'Raise the limit, or close sessions that nobody uses.'],
  'handshake.refused': ['handshake_refused', 'Raise the limit, or let clients come more slowly.'],
  'connection.refused': ['connection_refused', 'Raise the limit.'],
  'request.refused': ['request_refused', 'Look in the log for "request.refused".'],
  'scheme.mixed': ['scheme_mixed', 'Use https: in the URL where the server has a certificate, else http:.'],
};

/** Whether a refusal kept a client from having a session. */
export function isAtTheDoor({ event, session, channel }: Refused): boolean {
  if (session !== undefined) return false;
  return Object.hasOwn(doors, event) || (event === 'message.refused' && isMeta(channel));
}

const isMeta = (channel: string | undefined): boolean => channel !== undefined && kindOf(channel) === 'meta';

/** What was refused, and what to do. */
export function doorFinding(refused: Refused, now: number): Finding {
  const [code, fix] = doors[refused.event] ?? ['message_refused', fixBy(refused)];
  return cause(code, `${sentence(refused.why)} That was ${timesOf(refused, now)}.`, fix);
}
