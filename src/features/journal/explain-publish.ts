import { covers } from '../../protocol/channel.ts';
import type { PublishFacts, Receiver } from './facts.ts';
import { cause, type Explanation, explanation, fact, type Finding } from './finding.ts';
import { misses, nearestPattern } from './nearest-pattern.ts';
import { ago, endings, losses, named } from './words.ts';

/** The way of one publish: who sent it, whom it matched, and what became of it for each. */
export function explainPublish(facts: PublishFacts): Explanation {
  const { publish, now } = facts;
  const { id, channel, publisher, matched, counts } = publish;
  const by =
    publisher === undefined
      ? 'by the server, the HTTP API, or a client without a session'
      : `by ${named(publisher)}`;
  const findings: Finding[] = [
    fact('accepted', `It was published ${ago(publish.at, now)} ${by}, and accepted.`),
    ...(matched === 0 ? [noSubscriber(facts)] : []),
    ...(matched > 0
      ? [fact('matched', `It was for ${sessions(matched)} that subscribed to the channel.`)]
      : []),
    ...countsOf(counts),
    ...publish.receivers.map((receiver) => received(receiver, now)),
  ];
  if (matched > publish.receivers.length)
    findings.push(
      fact(
        'more_receivers',
        `The journal knows the first ${publish.receivers.length} of its receivers one by one.`,
        'Ask about another one with --channel and --session.',
      ),
    );
  return explanation(`Publish ${id} to ${channel}`, findings);
}

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
    fact('handed_over', `It was handed over to ${sessions(handedOver)}.`),
    ...(confirmed > 0 ? [fact('acknowledged', `It was acknowledged by ${sessions(confirmed)}.`)] : []),
    ...(returned > 0
      ? [fact('put_back', `It was put back ${returned} times: a connection broke before it had left whole.`)]
      : []),
    ...(lost > 0 ? [fact('dropped', `It was dropped for ${sessions(lost)}.`)] : []),
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
    `For ${who} on its way, kept from it by an extension, or replaced by a newer event of the same key.`,
  );
}

const sessions = (count: number): string => (count === 1 ? '1 session' : `${count} sessions`);
