import { kindOf } from '../../protocol/channel.ts';
import type { ChannelFacts, Publish } from './facts.ts';
import { cause, fact, type Finding, MOST } from './finding.ts';
import { misses } from './nearest-pattern.ts';
import { fixBy, timesOf } from './refusal-words.ts';
import { ago, named } from './words.ts';

/** What was published to the channel, and what was refused. */
export function publishesOf({
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
