import { kindOf } from '../../protocol/channel.ts';
import { doorFinding, isAtTheDoor } from './doors.ts';
import type { ChannelFacts, EndedSession, Publish } from './facts.ts';
import { cause, type Explanation, explanation, fact, type Finding, MOST } from './finding.ts';
import { misses } from './nearest-pattern.ts';
import { lossesOf, sessionFindings } from './session-findings.ts';
import { ago, endings, fixBy, named, timesOf } from './words.ts';

/** Why a session or user gets the events of a channel, or does not. */
export function explainChannel(facts: ChannelFacts): Explanation {
  const { channel, session, user } = facts.question;
  const who = session === undefined ? `user ${user}` : `session ${session}`;
  return explanation(`${channel}, ${who}`, [
    ...kindFindings(facts),
    ...(facts.open.length > 0 ? ofPresent(facts) : ofAbsent(who, facts)),
    ...refusedPublishes(facts),
    ...publishFindings(facts),
  ]);
}

function kindFindings({ question: { channel }, publishes, toOthers }: ChannelFacts): Finding[] {
  const kind = kindOf(channel);
  if (kind === 'broadcast' || publishes.length > 0 || toOthers !== undefined) return [];
  const below = channel.replace(/^\/(?:service|meta)/, '') || '/chat';
  const addressed =
    kind === 'service' ? ', or set "addressed" in its rule, so that clients can send to users by name' : '';
  return [
    cause(
      `${kind}_channel`,
      `${channel} is a ${kind} channel: what clients publish there goes to the server, never to subscribers.`,
      `Publish to a broadcast channel such as ${below}, let the server answer with session.deliver()${addressed}.`,
    ),
  ];
}

function ofPresent(facts: ChannelFacts): Finding[] {
  const [earlier] = facts.ended;
  return [
    ...facts.open.flatMap((open) => sessionFindings(open, facts)),
    ...(earlier === undefined ? [] : [{ ...endedFinding(earlier, facts.now), isCause: false }]),
  ];
}

// No session is open: it ended, or it never came to be.
function ofAbsent(who: string, facts: ChannelFacts): Finding[] {
  const { ended, now, since, refused, question } = facts;
  const [last] = ended;
  if (last !== undefined) return [endedFinding(last, now), ...lossesOf(last.session, facts)];
  const atTheDoor = refused.filter(isAtTheDoor).slice(0, MOST);
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

// Only those after the last publish that was accepted.
function refusedPublishes({ question, publishes, refused, now }: ChannelFacts): Finding[] {
  const [last] = publishes;
  return refused
    .filter(({ channel, at }) => channel === question.channel && (last === undefined || at >= last.at))
    .slice(0, MOST)
    .map((one) =>
      cause(
        'publish_refused',
        `A publish to the channel was refused, ${timesOf(one, now)}: ${one.why}.`,
        fixBy(one),
      ),
    );
}

function publishFindings(facts: ChannelFacts): Finding[] {
  const { question, publishes, toOthers, alike, now, since } = facts;
  const { channel } = question;
  const [last] = publishes;
  if (last !== undefined) return [publishedFinding(last, now)];
  if (toOthers !== undefined) return toOthersFindings(toOthers, facts);
  if (kindOf(channel) !== 'broadcast') return [];
  if (alike.length > 0)
    return [
      cause(
        'published_elsewhere',
        `Nothing was published to ${channel}, but to ${alike.join(', ')}: ${misses.case}.`,
        `Publish to ${channel}, or subscribe to ${alike[0]}.`,
      ),
    ];
  return [
    cause(
      'nothing_published',
      `Nothing was published to ${channel} since the journal began ${ago(since, now)}, or it is forgotten.`,
      'Check the channel that the publisher uses.',
    ),
  ];
}

function publishedFinding({ id, at, publisher, isNamed }: Publish, now: number): Finding {
  const by = publisher === undefined ? '' : ` by ${named(publisher)}`;
  return fact(
    'published',
    `The last ${isNamed ? 'event that was sent there by name' : 'publish to the channel'} is ${id}, ${ago(at, now)}${by}.`,
    seeWay(id),
  );
}

function toOthersFindings({ id, at, matched }: Publish, { open, now }: ChannelFacts): Finding[] {
  const what = `Event ${id} on the channel, ${ago(at, now)}, was sent by name`;
  if (open.some(({ broughtAt }) => broughtAt !== undefined && broughtAt >= at)) return [];
  if (matched === 0)
    return [
      cause(
        'sent_to_nobody',
        `${what} to nobody: the receivers had no session, or the policy denied it.`,
        'Check the receivers and "canSend" of the policy. Messages for offline users are kept with "ttl".',
      ),
    ];
  // A session that is not there is explained already.
  if (open.length === 0) return [];
  return [cause('sent_to_others', `${what}, and to other sessions.`, seeWay(id))];
}

const seeWay = (id: number): string => `See its way with: bayeuxd explain ${id}`;
