import { link } from '../wire.js';
import { SECONDS } from './bounds.js';
import { Member } from './member.js';

void link(process, { fill, churn });
process.once('disconnect', () => process.exit(0));

/** Connections that are opened at the same time. */
const AT_ONCE = 50;

/** @type {Member[]} */
const inside = [];
/** Users who are not in the room, the one who left first at the front. @type {Member[]} */
const outside = [];
/** @type {Map<string, Member>} */
const byUser = new Map();
/** From the subscribe of a user to the event at each viewer. Milliseconds. @type {number[]} */
let delays = [];
let events = 0;
let total = 0;

/** @param {any} data */
function told({ type, user, total: now }) {
  events += 1;
  total = now;
  if (type === 'join') delays.push(performance.now() - (byUser.get(user.id)?.joinedAt ?? 0));
}

function come() {
  const next = outside.shift();
  if (next === undefined) return;
  next.join();
  inside.push(next);
}

function go() {
  const gone = inside.shift();
  if (gone === undefined) return;
  gone.leave();
  outside.push(gone);
}

/** @param {{ port: number, users: number, spare: number, isViewer: boolean }} order */
async function fill({ port, users, spare, isViewer }) {
  for (let opened = 0; opened < users + spare; opened += AT_ONCE) {
    const some = Array.from(
      { length: AT_ONCE },
      (_, at) => new Member(port, `user${opened + at}`, isViewer, told),
    );
    await Promise.all(some.map(({ ready }) => ready));
    for (const member of some) {
      byUser.set(member.user, member);
      if (inside.length < users) {
        inside.push(member);
        member.join();
      } else outside.push(member);
    }
  }
}

/** Some come, and as many go on average. @param {{ perSecond: number }} order */
async function churn({ perSecond }) {
  events = 0;
  delays = [];
  let changes = 0;
  let [coming, going] = [0, 0];
  const began = performance.now();
  for (let last = began; last < began + SECONDS * 1000; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const now = performance.now();
    const share = ((now - last) / 1000) * perSecond;
    last = now;
    // More come than go in one second, and fewer in the next: the number is another each time.
    const more = Math.floor((now - began) / 1000) % 2 === 0 ? 1.2 : 0.8;
    for (coming += share * more; coming >= 1; coming -= 1, changes += 1) come();
    for (going += share * (2 - more); going >= 1; going -= 1, changes += 1) go();
  }
  delays.sort((one, other) => one - other);
  return { changes, events, total, p50: at(0.5), p99: at(0.99) };
}

/** @param {number} share */
function at(share) {
  return delays[Math.floor(delays.length * share)] ?? 0;
}
