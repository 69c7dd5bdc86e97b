import { covers } from '../../protocol/channel.ts';
import type { Publish, PublishFacts, Receiver } from './facts.ts';
import { cause, type Explanation, explanation, fact, type Finding } from './finding.ts';
import { misses, nearestPattern } from './nearest-pattern.ts';
import { ago, counted, endings, losses, named } from './words.ts';

/** The way of one publish: who sent it, whom it matched, and what became of it for each. */
export function explainPublish(facts: PublishFacts): Explanation {
  const { publish, now } = facts;
  const { id, channel, receivers } = publish;
  return explanation(`Publish ${id} to ${channel}`, [
    accepted(publish, now),
    ...(publish.isDurable
      ? [fact('stored', 'It was stored: a client that asks for the history of the channel gets it later.')]
      : []),
    matchedFinding(facts),
    ...countsOf(publish.counts),
    ...receivers.map((receiver) => received(receiver, now)),
    ...(publish.matched > receivers.length ? [moreReceivers(receivers.length)] : []),
  ]);
}

function accepted({ at, publisher, isNamed }: Publish, now: number): Finding {
  if (isNamed) return fact('accepted', `It was sent to its receivers by name ${ago(at, now)}.`);
  const by =
    publisher === undefined
      ? 'by the server, the HTTP API, or a client without a session'
      : `by ${named(publisher)}`;
  return fact('accepted', `It was published ${ago(at, now)} ${by}, and accepted.`);
}

function matchedFinding(facts: PublishFacts): Finding {
  const { matched, isNamed } = facts.publish;
  if (matched === 0) return isNamed ? noReceiver : noSubscriber(facts);
  const how = isNamed ? 'that it named' : 'that subscribed to the channel';
  return fact('matched', `It was for ${counted(matched, 'session')} ${how}.`);
}

const noReceiver = cause(
  'no_receiver',
  'Its receivers had no session at that time, or the policy denied it.',
  'Check the receivers and "canSend" of the policy. Messages for offline users are kept with "ttl".',
);

const moreReceivers = (known: number): Finding =>
  fact(
    'more_receivers',
    `The journal knows the first ${known} of its receivers one by one.`,
    'Ask about another one with --channel and --session.',
  );

function noSubscriber({ publish: { channel }, patterns }: PublishFacts): Finding {
  if (patterns.some((pattern) => covers(pattern, channel)))
    return cause(
      'no_subscriber',
      'No session subscribed to the channel at that time; one does now.',
      'Set "history" on the channel, so that clients can ask for what they missed.',
    );
  const near = nearestPattern(patterns, channel);
  if (near === undefined)
    return cause(
      'no_subscriber',
      'No session subscribed to the channel at that time.',
      `Subscribe to ${channel} first.`,
    );
  return cause(
    'no_subscriber',
    `No session subscribed to the channel at that time. One subscribes to ${near.pattern}, which does not match: ${misses[near.why]}.`,
    `Subscribe to ${near.instead}.`,
  );
}

function countsOf({ handedOver, confirmed, lost, returned }: PublishFacts['publish']['counts']): Finding[] {
  return [
    fact('handed_over', `It was handed over to ${counted(handedOver, 'session')}.`),
    ...(confirmed > 0
      ? [fact('acknowledged', `It was acknowledged by ${counted(confirmed, 'session')}.`)]
      : []),
    ...(returned > 0
      ? [
          fact(
            'put_back',
            `It was put back ${counted(returned, 'time')}: a connection broke before it had left whole.`,
          ),
        ]
      : []),
    ...(lost > 0 ? [fact('dropped', `It was dropped for ${counted(lost, 'session')}.`)] : []),
  ];
}

function received(receiver: Receiver, now: number): Finding {
  const { fates, lostBy, ended, isWaiting } = receiver;
  const who = `${named(receiver)}:`;
  if (fates.includes('lost')) {
    const [why, fix] = losses[lostBy ?? 'queue'];
    return cause('receiver_dropped', `For ${who} dropped, since ${why}.`, fix);
  }
  if (fates.includes('confirmed'))
    return fact('receiver_acknowledged', `For ${who} handed over and acknowledged.`);
  if (isWaiting)
    return fact(
      'receiver_waits',
      fates.includes('returned')
        ? `For ${who} put back, and it waits again.`
        : `For ${who} it waits in the queue.`,
      'It leaves when the client connects, or reads what was sent before.',
    );
  if (fates.includes('handedOver')) return fact('receiver_handed_over', `For ${who} handed over.`);
  if (ended !== undefined) {
    const [why, fix] = endings[ended.reason];
    return cause(
      'receiver_ended',
      `For ${who} not handed over; the session ended ${ago(ended.at, now)}: ${why}.`,
      fix,
    );
  }
  return fact(
    'receiver_open',
    `For ${who} on its way, kept from it by an extension, replaced by a newer event of the same key, or brought by a replay.`,
  );
}
