import { covers, kindOf } from '../../protocol/channel.ts';
import { BayeuxError } from '../../protocol/errors.ts';
import type { ChannelFacts, OpenSession, Refused } from './facts.ts';
import { cause, type Finding, MOST } from './finding.ts';
import { misses, nearestPattern } from './nearest-pattern.ts';
import { ago, fixBy, named, timesOf } from './words.ts';

/** Why no subscription of a session matches the channel. */
export function notSubscribed(open: OpenSession, facts: ChannelFacts): Finding[] {
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
