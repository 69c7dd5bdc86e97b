// What a publish costs Redis: one publisher and three nodes that want its channel, at so many publishes in flight, without and with
// 10,000 patterns of other channels. Prints CPU of the Redis process and the time in its scripts, for each publish.
// Run: npm run bench:redis [publishes]
import { OutgoingEvent } from '../../dist/ports/outgoing-event.js';
import { node, stop, usage } from './own-redis.js';

const COUNT = Number(process.argv[2] ?? 50_000);

async function run(publisher, inFlight) {
  const before = await usage();
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < COUNT) {
      next += 1;
      const data = {
        text: 'a message of about a hundred bytes, which is what people write to each other',
        at: next,
      };
      await publisher.publish({ event: new OutgoingEvent({ channel: '/chat/room/1', data }) });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - began) / 1000;
  const after = await usage();
  const each = (key) => ((after[key] - before[key]) / COUNT).toFixed(1);
  const batch = (COUNT / (after.calls - before.calls)).toFixed(1);
  return { inFlight, cpu: each('cpu'), scripts: each('scripts'), batch, rate: Math.round(COUNT / seconds) };
}

try {
  const nodes = [await node('a'), await node('b'), await node('c')];
  const [publisher] = nodes;
  await Promise.all(nodes.map((one) => one.interest('/chat/room/*', true)));
  await run(publisher, 32);
  console.log(
    'in flight | other patterns | us CPU of Redis | us in scripts | publishes a batch | publishes/s',
  );
  for (const others of [0, 10_000]) {
    if (others > 0) {
      await Promise.all(
        Array.from({ length: others }, (_, at) => nodes[at % 3].interest(`/chat/other/${at}/*`, true)),
      );
    }
    for (const inFlight of [32, 8, 1]) {
      const { cpu, scripts, batch, rate } = await run(publisher, inFlight);
      console.log([inFlight, others, cpu, scripts, batch, rate].join(' | '));
    }
  }
  for (const one of nodes) await one.close();
} finally {
  stop();
}
