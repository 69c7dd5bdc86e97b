// What presence costs Redis: users who enter and leave a list on one of three nodes, while none or all three watch it, one after another and
// many at once. Prints CPU of the Redis process for each of both, and the memory of a user.
// Run: npm run bench:redis:presence [users]
import { admin, node, stop, usage } from './own-redis.js';

const COUNT = Number(process.argv[2] ?? 20_000);
const info = { name: 'A user with a name', picture: 'https://example.com/pictures/123456.png' };

async function each(atOnce, call) {
  const before = await usage();
  let next = 0;
  const worker = async () => {
    while (next < COUNT) {
      next += 1;
      const session = `nodenode${String(next).padStart(16, '0')}`;
      await call({ id: `user-${next}`, session, info, since: Date.now() });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const after = await usage();
  return { cpu: ((after.cpu - before.cpu) / COUNT).toFixed(1), memory: after.memory };
}

try {
  const nodes = [await node('a'), await node('b'), await node('c')];
  const [{ rosters }] = nodes.map(({ lists }) => lists);
  console.log('at once | nodes that watch | us CPU of Redis an enter | a leave | bytes of Redis a user');
  for (const watching of [0, 3]) {
    const ends = await Promise.all(
      nodes.slice(0, watching).map(({ lists }) => lists.rosters.watch('/chat/room', () => {})),
    );
    for (const atOnce of [32, 1]) {
      const { memory: before } = await usage();
      const enter = await each(atOnce, (one) => rosters.enter('/chat/room', one));
      // Mailboxes are trimmed at the next beats, by then only the users are left.
      const mailboxes = await admin.sendCommand(['KEYS', '{bench}:in:*']);
      for (const key of mailboxes) await admin.sendCommand(['XTRIM', key, 'MAXLEN', '0']);
      const { memory } = await usage();
      const leave = await each(atOnce, (one) => rosters.leave('/chat/room', one));
      for (const key of mailboxes) await admin.sendCommand(['XTRIM', key, 'MAXLEN', '0']);
      console.log(
        [atOnce, watching, enter.cpu, leave.cpu, Math.round((memory - before) / COUNT)].join(' | '),
      );
    }
    for (const end of ends) end();
  }
  for (const one of nodes) await one.close();
} finally {
  await stop();
}
