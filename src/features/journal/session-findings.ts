import { covers } from '../../protocol/channel.ts';
import type { ChannelFacts, OpenSession, Publish } from './facts.ts';
import { cause, fact, type Finding, MOST } from './finding.ts';
import { notSubscribed } from './subscription-findings.ts';
import { ago, counted, losses, named } from './words.ts';

/** Why an open session gets the events of the channel, or does not. */
export function sessionFindings(open: OpenSession, facts: ChannelFacts): Finding[] {
  const { question, isReserved, toOthers } = facts;
  const matching = open.patterns.filter((pattern) => covers(pattern, question.channel));
  const last = facts.publishes.find((publish) => !publish.isNamed || isFor(publish, open));
  // An event that names its receivers needs no subscription.
  const needsNone = !isReserved && (last ?? toOthers)?.isNamed === true;
  const isNamed = needsNone && (last !== undefined || open.broughtAt !== undefined);
  if (matching.length === 0 && !isNamed) return needsNone ? [] : notSubscribed(open, facts);
  return [
    isNamed
      ? fact('named', `Events of the channel are sent to the ${named(open)} by name.`)
      : fact('subscribed', `The ${named(open)} subscribes to ${matching.join(' and ')}, which matches.`),
    ...stateFindings(open),
    ...waitFindings(open),
    ...lossesOf(open.session, facts),
    ...broughtFindings(open, facts),
    ...(last === undefined ? [] : lastFindings(last, open, facts)),
  ];
}

/** The events of the channel that were dropped for a session. */
export function lossesOf(of: string, { lost, now }: ChannelFacts): Finding[] {
  const own = lost.filter(({ session }) => session === of).slice(0, MOST);
  return own.map(({ publish, cause: by, at }) => {
    const [why, fix] = losses[by];
    const which = publish === undefined ? 'An event' : `Publish ${publish}`;
    return cause('dropped', `${which} was dropped for the session ${ago(at, now)}: ${why}.`, fix);
  });
}

function stateFindings({ state, isThere }: OpenSession): Finding[] {
  if (isThere) return [];
  const what = state === 'new' ? 'has never connected' : 'has no connect open at this moment';
  return [fact(`state_${state}`, `The client ${what}: events wait until it connects.`)];
}

function waitFindings({ waiting }: OpenSession): Finding[] {
  if (waiting === 0) return [];
  const what = `${counted(waiting, 'event')} of the channel ${waiting === 1 ? 'waits' : 'wait'} for it.`;
  return [fact('waits', what, 'Events leave when the client connects, or reads what was sent before.')];
}

function broughtFindings({ broughtAt }: OpenSession, { now }: ChannelFacts): Finding[] {
  if (broughtAt === undefined) return [];
  return [
    fact(
      'brought',
      `An event of the channel that the server had kept was handed over ${ago(broughtAt, now)}.`,
    ),
  ];
}

// The last publish, as it was for this session.
function lastFindings(last: Publish, open: OpenSession, facts: ChannelFacts): Finding[] {
  const receiver = last.receivers.find(({ session }) => session === open.session);
  if (receiver === undefined) return missedFindings(last, open, facts);
  const what = `Publish ${last.id}, ${ago(last.at, facts.now)},`;
  if (receiver.fates.includes('confirmed'))
    return [fact('last_acknowledged', `${what} was acknowledged by the client.`)];
  if (receiver.fates.includes('handedOver'))
    return [
      fact(
        'last_handed_over',
        `${what} was handed over to the client.`,
        'Look in the client: has it a listener for the channel, and does that throw?',
      ),
    ];
  return [];
}

function missedFindings(last: Publish, open: OpenSession, { subscribed, now }: ChannelFacts): Finding[] {
  const when = ago(last.at, now);
  if (last.publisher?.session === open.session)
    return [
      cause(
        'own_publish',
        `The session itself published the last event, ${when}, and does not get its own events.`,
        'Set "broadcastToPublisher" for the server or the channel.',
      ),
    ];
  const since = subscribed.find(
    ({ session, isOn, pattern }) => session === open.session && isOn && covers(pattern, last.channel),
  );
  if (since === undefined || since.at <= last.at) return [];
  const what = `The session subscribed to ${since.pattern} ${ago(since.at, now)}, after the last publish ${when}.`;
  if (!last.isDurable)
    return [
      cause(
        'subscribed_later',
        what,
        'Set "history" on the channel, and let the client ask for what it missed.',
      ),
    ];
  return open.broughtAt === undefined
    ? [
        cause(
          'subscribed_later',
          what,
          'Let the client ask for the history of the channel when it subscribes.',
        ),
      ]
    : [fact('subscribed_later', what)];
}

// Not all receivers are known one by one.
function isFor({ receivers, matched }: Publish, { session }: OpenSession): boolean {
  return matched > receivers.length || receivers.some((receiver) => receiver.session === session);
}
