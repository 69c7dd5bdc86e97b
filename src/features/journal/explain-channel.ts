import { covers, kindOf } from '../../protocol/channel.ts';
import { BayeuxError } from '../../protocol/errors.ts';
import type { ChannelFacts, EndedSession, OpenSession, Publish, Refused } from './facts.ts';
import { cause, type Explanation, explanation, fact, type Finding } from './finding.ts';
import { misses, nearestPattern } from './nearest-pattern.ts';
import { ago, endings, losses, named } from './words.ts';

/** Most findings of one kind. */
const MOST = 5;

/** Why a session or user gets the events of a channel, or does not. */
export function explainChannel(facts: ChannelFacts): Explanation {
  const { channel, session, user } = facts.question;
  const who = session === undefined ? `user ${user}` : `session ${session}`;
  return explanation(`${channel}, ${who}`, [
    ...ofKind(channel),
    ...(facts.open.length > 0 ? facts.open.flatMap((open) => ofSession(open, facts)) : ofAbsent(who, facts)),
    ...ofPublishes(facts),
  ]);
}

function ofKind(channel: string): Finding[] {
  const kind = kindOf(channel);
  if (kind === 'broadcast') return [];
  const below = channel.replace(/^\/(?:service|meta)/, '') || '/chat';
  return [
    cause(
      'service_channel',
      `${channel} is a ${kind} channel: what clients publish there goes to the server alone, never to subscribers.`,
      `Publish to a broadcast channel such as ${below}, or let the server answer with session.deliver().`,
    ),
  ];
}

// No session is open: it ended, or it never came to be.
function ofAbsent(who: string, facts: ChannelFacts): Finding[] {
  const { ended, now, since, refused, question } = facts;
  const [last] = ended;
  if (last !== undefined) return [...endedFinding(last, facts)];
  const atTheDoor = refused.filter((one) => isAtTheDoor(one)).slice(0, MOST);
  return [
    cause(
      'never_here',
      `No ${who} is open, and none has ended since the journal began ${ago(since, now)}.`,
      atTheDoor.length > 0
        ? 'See what was refused meanwhile, below.'
        : question.session === undefined
          ? 'Check the name of the user, and the URL that the client uses: no request of it was refused either.'
          : 'Check the id: it is the public one, as in the log and in the list of sessions, not the clientId.',
    ),
    ...atTheDoor.map((one) => doorFinding(one, now)),
  ];
}

function endedFinding(ended: EndedSession, { now }: ChannelFacts): Finding[] {
  const [why, fix] = endings[ended.reason];
  return [
    cause(`session_ended_${ended.reason}`, `The ${named(ended)} ended ${ago(ended.at, now)}: ${why}.`, fix),
  ];
}

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

function isAtTheDoor({ event, session, channel }: Refused): boolean {
  if (session !== undefined) return false;
  return event in doors || (event === 'message.refused' && isMeta(channel));
}

const isMeta = (channel: string | undefined): boolean => channel !== undefined && kindOf(channel) === 'meta';

function doorFinding(refused: Refused, now: number): Finding {
  const [code, fix] = doors[refused.event] ?? ['message_refused', fixBy(refused)];
  return cause(code, `${sentence(refused.why)} That was ${timesOf(refused, now)}.`, fix);
}

function ofSession(open: OpenSession, facts: ChannelFacts): Finding[] {
  const { question, now } = facts;
  const matching = open.patterns.filter((pattern) => covers(pattern, question.channel));
  const state = open.state === 'idle' || open.state === 'new' ? stateFinding(open) : [];
  if (matching.length === 0) return notSubscribed(open, facts);
  return [
    fact('subscribed', `The ${named(open)} subscribes to ${matching.join(' and ')}, which matches.`),
    ...state,
    ...(open.waiting > 0
      ? [
          fact(
            'waits',
            `${open.waiting} events of the channel wait for it.`,
            'They leave when the client connects or reads.',
          ),
        ]
      : []),
    ...facts.lost
      .filter(({ session }) => session === open.session)
      .slice(0, MOST)
      .map(({ publish, cause: by, at }) => {
        const [why, fix] = losses[by];
        const which = publish === undefined ? 'An event' : `Publish ${publish}`;
        return cause('dropped', `${which} was dropped for the session ${ago(at, now)}: ${why}.`, fix);
      }),
    ...lastOf(open, facts),
  ];
}

function stateFinding({ state }: OpenSession): Finding[] {
  const what = state === 'new' ? 'has never connected' : 'has no connect open at this moment';
  return [fact(`state_${state}`, `The client ${what}; without a WebSocket, events wait until it connects.`)];
}

// The last publish, as it was for this session.
function lastOf(open: OpenSession, { publishes, subscribed, now }: ChannelFacts): Finding[] {
  const [last] = publishes;
  if (last === undefined) return [];
  const when = ago(last.at, now);
  if (
    last.publisher?.session === open.session &&
    !last.receivers.some(({ session }) => session === open.session)
  )
    return [
      cause(
        'own_publish',
        `The session itself published the last event, ${when}, and does not get its own events.`,
        'Set "broadcastToPublisher" for the server or the channel.',
      ),
    ];
  const since = subscribed.find(({ session, isOn, pattern }) => {
    return session === open.session && isOn && covers(pattern, last.channel);
  });
  if (since !== undefined && since.at > last.at)
    return [
      cause(
        'subscribed_later',
        `The session subscribed to ${since.pattern} ${ago(since.at, now)}, after the last publish ${when}.`,
        'Set "history" on the channel, and let the client ask for what it missed.',
      ),
    ];
  const receiver = last.receivers.find(({ session }) => session === open.session);
  if (receiver?.fates.includes('confirmed') === true)
    return [fact('last_acknowledged', `Publish ${last.id}, ${when}, was acknowledged by the client.`)];
  if (receiver?.fates.includes('handedOver') === true)
    return [
      fact(
        'last_handed_over',
        `Publish ${last.id}, ${when}, was handed over to the client.`,
        'Look in the client: does its listener throw, or was it removed?',
      ),
    ];
  return [];
}

function notSubscribed(open: OpenSession, facts: ChannelFacts): Finding[] {
  const { channel } = facts.question;
  if (kindOf(channel) !== 'broadcast') return [];
  const refused = facts.refused.filter((one) => isRefusedSubscribe(one, open, channel)).slice(0, MOST);
  const near = nearestPattern(open.patterns, channel);
  const who = `The ${named(open)}`;
  if (refused.length > 0)
    return refused.map((one) =>
      cause(
        'subscribe_refused',
        `${who} asked to subscribe and was refused, ${timesOf(one, facts.now)}: ${one.why}.`,
        fixBy(one),
      ),
    );
  if (near !== undefined)
    return [
      cause(
        `pattern_${near.why}`,
        `${who} subscribes to ${near.pattern}, which does not match ${channel}: ${misses[near.why]}.`,
        `Subscribe to ${near.instead}.`,
      ),
    ];
  const dropped = facts.subscribed.find(
    (one) => one.session === open.session && covers(one.pattern, channel),
  );
  if (dropped?.isOn === false)
    return [
      cause(
        'unsubscribed',
        `${who} unsubscribed from ${dropped.pattern} ${ago(dropped.at, facts.now)}.`,
        'Subscribe again.',
      ),
    ];
  const others = open.patterns.slice(0, MOST).join(', ') || 'nothing';
  return [
    cause(
      'not_subscribed',
      `${who} does not subscribe to ${channel}; it subscribes to ${others}.`,
      `Subscribe to ${channel}.`,
    ),
  ];
}

function isRefusedSubscribe(
  { session, channel: asked, reply }: Refused,
  open: OpenSession,
  channel: string,
): boolean {
  if (session !== open.session || asked !== '/meta/subscribe' || reply === undefined) return false;
  const { args } = BayeuxError.from(reply);
  return args.some((pattern) => covers(pattern, channel)) || !args.some((pattern) => pattern.startsWith('/'));
}

function ofPublishes({
  question: { channel },
  publishes,
  refused,
  alike,
  now,
  since,
}: ChannelFacts): Finding[] {
  if (kindOf(channel) === 'meta') return [];
  const findings = refused
    .filter((one) => one.channel === channel && (publishes[0] === undefined || one.at >= publishes[0].at))
    .slice(0, MOST)
    .map((one) =>
      cause(
        'publish_refused',
        `A publish to the channel was refused, ${timesOf(one, now)}: ${one.why}.`,
        fixBy(one),
      ),
    );
  const [last] = publishes;
  if (kindOf(channel) === 'service') return findings;
  if (last !== undefined) return [...findings, publishedFinding(last, now)];
  if (alike.length > 0)
    return [
      ...findings,
      cause(
        'published_elsewhere',
        `Nothing was published to ${channel}, but to ${alike.join(', ')}: ${misses.case}.`,
        `Publish to ${channel}, or subscribe to ${alike[0]}.`,
      ),
    ];
  return [
    ...findings,
    cause(
      'nothing_published',
      `Nothing was published to ${channel} since the journal began ${ago(since, now)}, or it is forgotten.`,
      'Check the channel that the publisher uses.',
    ),
  ];
}

function publishedFinding({ id, at, publisher }: Publish, now: number): Finding {
  const by = publisher === undefined ? '' : ` by ${named(publisher)}`;
  return fact(
    'published',
    `The last publish to the channel is ${id}, ${ago(at, now)}${by}.`,
    `See its way with: bayeuxd explain ${id}`,
  );
}

function fixBy({ option }: Refused): string {
  if (option === 'policy') return 'Look at the policy, or the extensions.';
  if (option === 'channels')
    return 'Grant it in the rule of the channel or in the token, or look at the policy.';
  return option === undefined ? 'Correct the client.' : `Correct the client, or set "${option}".`;
}

function timesOf({ times, at }: Refused, now: number): string {
  return times === 1 ? ago(at, now) : `${times} times, the last ${ago(at, now)}`;
}

/** With a capital letter and a full stop. */
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
