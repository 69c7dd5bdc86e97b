import { covers, kindOf } from '../../protocol/channel.ts';
import { doorFinding, isAtTheDoor } from './doors.ts';
import type { ChannelFacts, EndedSession, OpenSession } from './facts.ts';
import { cause, type Explanation, explanation, fact, type Finding, MOST } from './finding.ts';
import { publishesOf } from './publish-findings.ts';
import { notSubscribed } from './subscription-findings.ts';
import { ago, endings, losses, named } from './words.ts';

/** Why a session or user gets the events of a channel, or does not. */
export function explainChannel(facts: ChannelFacts): Explanation {
  const { channel, session, user } = facts.question;
  const who = session === undefined ? `user ${user}` : `session ${session}`;
  return explanation(`${channel}, ${who}`, [
    ...ofKind(channel),
    ...(facts.open.length > 0 ? ofPresent(facts) : ofAbsent(who, facts)),
    ...publishesOf(facts),
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

function ofPresent(facts: ChannelFacts): Finding[] {
  const [earlier] = facts.ended;
  return [
    ...facts.open.flatMap((open) => ofSession(open, facts)),
    ...(earlier === undefined ? [] : [{ ...endedFinding(earlier, facts.now), isCause: false }]),
  ];
}

// No session is open: it ended, or it never came to be.
function ofAbsent(who: string, facts: ChannelFacts): Finding[] {
  const { ended, now, since, refused, question } = facts;
  const [last] = ended;
  if (last !== undefined) return [endedFinding(last, now), ...lossesOf(last.session, facts)];
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

function endedFinding(ended: EndedSession, now: number): Finding {
  const [why, fix] = endings[ended.reason];
  return cause(
    `session_ended_${ended.reason}`,
    `The ${named(ended)} ended ${ago(ended.at, now)}: ${why}.`,
    fix,
  );
}

function ofSession(open: OpenSession, facts: ChannelFacts): Finding[] {
  const { question } = facts;
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
    ...lossesOf(open.session, facts),
    ...lastOf(open, facts),
  ];
}

function lossesOf(of: string, { lost, now }: ChannelFacts): Finding[] {
  const own = lost.filter(({ session }) => session === of).slice(0, MOST);
  return own.map(({ publish, cause: by, at }) => {
    const [why, fix] = losses[by];
    const which = publish === undefined ? 'An event' : `Publish ${publish}`;
    return cause('dropped', `${which} was dropped for the session ${ago(at, now)}: ${why}.`, fix);
  });
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
