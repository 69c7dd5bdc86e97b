import { describe, expect, it } from 'vitest';
import { type Frame, FrameError, kinds } from '../../src/cluster/frames.ts';
import type { Ending } from '../../src/cluster/link.ts';
import { RedisError } from '../../src/redis/connection/redis-error.ts';
import type { PipeText } from '../../src/redis/pipe-text.ts';
import type { Told } from '../../src/redis/redis-node.ts';
import { RedisPipe } from '../../src/redis/redis-pipe.ts';
import { NodeKeys } from '../../src/redis/seal.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { settle, until } from '../support/until.ts';

/** One end of a pipe: what it was brought, and what becomes of its texts. */
class End {
  readonly pipe: RedisPipe;
  readonly frames: Frame[] = [];
  readonly endings: Ending[] = [];
  readonly texts: PipeText[] = [];
  readonly oversized: number[] = [];
  other: End | undefined;
  opens = 0;
  drains = 0;
  isBusy = false;
  /** Tells the other end, unless a spec sets another. */
  tell = async (text: PipeText): Promise<Told> => {
    this.other?.take(text);
    return 'told';
  };

  constructor(node: string, peer: string, clock: FakeClock, secret: string) {
    const end = this;
    this.pipe = new RedisPipe({
      node,
      peer,
      keys: new NodeKeys(secret),
      clock,
      tell: (text) => {
        this.texts.push(text);
        return this.tell(text);
      },
      owner: {
        get isBusy() {
          return end.isBusy;
        },
        opened: () => {
          this.opens += 1;
        },
        frame: (frame) => this.#take(frame),
        drained: () => {
          this.drains += 1;
        },
        oversized: (limit) => void this.oversized.push(limit),
        closed: (_pipe, ending) => void this.endings.push(ending),
      },
    });
  }

  get heads(): string[] {
    return this.frames.map(({ head }) => head);
  }

  take(text: PipeText): void {
    if (text.is === 'open') this.pipe.meet(text.own, text.key);
    else if (text.is === 'data') this.pipe.take(text);
    else this.pipe.ended({ why: 'the other end is closed' });
  }

  send(head: string, body = ''): void {
    this.pipe.send(kinds.send, 7, head, body);
  }

  #take(frame: Frame): void {
    if (frame.head === 'bad') throw new FrameError('it is bad');
    this.frames.push(frame);
  }
}

function ends(...secrets: readonly string[]) {
  const clock = new FakeClock();
  const [ofA = '', ofB = ofA] = secrets;
  const [a, b] = [new End('A', 'B', clock, ofA), new End('B', 'A', clock, ofB)];
  a.other = b;
  b.other = a;
  return { a, b, clock };
}

async function opened(...secrets: readonly string[]) {
  const made = ends(...secrets);
  made.a.pipe.begin();
  await until(() => made.a.pipe.isOpen && made.b.pipe.isOpen);
  await settle();
  return made;
}

const later = <T>() => {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};

describe('a pipe through Redis', () => {
  it('opens once on both sides, also when both begin', async () => {
    for (const begin of [
      ({ a }: ReturnType<typeof ends>) => [a],
      ({ a, b }: ReturnType<typeof ends>) => [a, b],
    ]) {
      const made = ends('a secret of both');
      for (const { pipe } of begin(made)) pipe.begin();
      await until(() => made.a.pipe.isOpen && made.b.pipe.isOpen);
      made.a.send('to b');
      made.b.send('to a');
      await until(() => made.a.frames.length + made.b.frames.length === 2);
      expect([made.a.opens, made.b.opens, made.a.heads, made.b.heads]).toEqual([1, 1, ['to a'], ['to b']]);
    }
  });

  it('brings frames in order, those of one turn in one text', async () => {
    const { a, b } = await opened();
    const before = a.texts.length;
    for (const n of [1, 2, 3]) a.send(`${n}`, 'ä');
    await until(() => b.frames.length === 3);
    expect(b.frames.map(({ kind, id, head, body }) => [kind, id, head, body])).toEqual(
      ['1', '2', '3'].map((head) => [kinds.send, 7, head, 'ä']),
    );
    expect(a.texts.length).toBe(before + 1);
  });

  it('shows neither frames nor the secret in its texts', async () => {
    const secret = 'a secret that is never shown';
    const { a, b } = await opened(secret);
    a.send('the head', 'the body');
    await until(() => b.frames.length === 1);
    const all = [...a.texts, ...b.texts].flatMap((text) => [
      JSON.stringify(text),
      text.is === 'data' ? Buffer.from(text.box, 'base64').toString('latin1') : '',
    ]);
    for (const hidden of [secret, 'the head', 'the body'])
      expect(all.filter((text) => text.includes(hidden))).toEqual([]);
  });

  it('never seals two texts alike, nor two pipes', async () => {
    const boxes = new Set<string>();
    for (let round = 0; round < 2; round += 1) {
      const { a, b } = await opened();
      for (const _ of [1, 2]) {
        const before = b.frames.length;
        a.send('the same');
        await until(() => b.frames.length > before);
      }
      for (const text of a.texts) if (text.is === 'data') boxes.add(text.box);
    }
    // The first text of each end has no frame.
    expect(boxes.size).toBe(6);
  });

  it('sends no more than 4 MiB that the other end has not read', async () => {
    const { a, b } = await opened();
    // Nothing of what the other end says comes.
    b.tell = async () => 'told';
    a.send('large', 'x'.repeat(15_000_000));
    await settle(100);
    const sent = () => a.texts.reduce((sum, text) => sum + (text.is === 'data' ? text.box.length : 0), 0);
    expect(sent()).toBeGreaterThan(4_000_000 * 1.3);
    expect(sent()).toBeLessThan(4_300_000 * 1.34);
    expect([a.pipe.isFull, b.frames]).toEqual([true, []]);
  });

  it('sends a large batch in pieces', async () => {
    const { a, b } = await opened();
    const body = 'x'.repeat(15_000_000);
    a.send('large', body);
    expect(a.pipe.isFull).toBe(true);
    await until(() => b.frames.length === 1);
    expect(b.frames[0]?.body.length).toBe(body.length);
    expect(Math.max(...a.texts.map((text) => (text.is === 'data' ? text.box.length : 0)))).toBeLessThan(
      350_000,
    );
    await until(() => a.drains === 1);
  });

  it('refuses a batch of more than 16 MiB, and says so', async () => {
    const { a } = await opened();
    expect([a.pipe.fits('ä'.repeat(8_388_608)), a.oversized]).toEqual([true, []]);
    expect([a.pipe.fits('ä'.repeat(8_388_609)), a.oversized]).toEqual([false, [16_777_216]]);
  });

  it('ends when the other end reads nothing', async () => {
    const { a } = await opened();
    a.tell = () => new Promise(() => {});
    for (let at = 0; at < 6; at += 1) a.send('', 'x'.repeat(15_000_000));
    expect(a.endings[0]?.why).toMatch(/^the other node does not read: \d+ bytes are unsent$/);
  });

  it('sends a text again when nobody knows whether Redis has it, and the other end takes it once', async () => {
    const { a, b, clock } = await opened();
    let failures = 0;
    a.tell = async (text) => {
      failures += 1;
      if (failures !== 2) b.take(text);
      if (failures <= 2) throw new RedisError('unknown', 'no answer');
      return failures === 3 ? 'not now' : 'told';
    };
    a.send('once');
    await settle();
    a.send('behind it');
    await clock.tick(500);
    await until(() => b.frames.length === 2);
    expect(b.heads).toEqual(['once', 'behind it']);
    expect(a.endings).toEqual([]);
  });

  it.each([
    [
      'Redis is away',
      () => Promise.reject(new RedisError('unsent', 'no connection')),
      5_000,
      'no connection',
    ],
    ['this node has no lease', async () => 'not now' as const, 5_000, 'this node has no lease'],
    ['the other node has none', async () => 'gone' as const, 2_000, 'the other node has no lease'],
  ])('ends when %s for too long', async (_name, tell, ms, why) => {
    const { a, clock } = await opened();
    a.tell = tell;
    a.send('x');
    await clock.tick(ms - 100);
    expect(a.endings).toEqual([]);
    await clock.tick(200);
    expect(a.endings).toEqual([{ why: `Redis did not take a text for the other node: ${why}` }]);
  });

  it('ends at once when Redis refuses a text', async () => {
    const { a } = await opened();
    a.tell = () => Promise.reject(new RedisError('refused', 'NOPERM no permission'));
    a.send('x');
    await until(() => a.endings.length === 1);
    expect(a.endings[0]?.why).toContain('NOPERM no permission');
  });

  it('ends on both sides when a text was lost', async () => {
    const { a, b } = await opened();
    const { tell } = a;
    a.tell = async () => 'told';
    a.send('lost');
    await settle();
    a.tell = tell;
    a.send('behind it');
    await until(() => b.endings.length === 1 && a.endings.length === 1);
    expect(b.endings).toEqual([{ why: 'texts of the other node were lost: 1' }]);
    expect(b.frames).toEqual([]);
  });

  it('notices a lost text while requests are under way, though no other follows', async () => {
    const { a, b, clock } = await opened();
    const { tell } = b;
    b.tell = async () => 'told';
    b.send('the answer');
    await settle();
    b.tell = tell;
    // To the other end all is done.
    a.isBusy = true;
    await clock.tick(4_500);
    expect(a.endings).toEqual([{ why: 'texts of the other node were lost: 1' }]);
  });

  it('says nothing while nothing is under way', async () => {
    const { a, b, clock } = await opened();
    const before = a.texts.length + b.texts.length;
    await clock.tick(60_000);
    expect(a.texts.length + b.texts.length).toBe(before);
    a.isBusy = true;
    await clock.tick(60_000);
    const during = a.texts.length + b.texts.length - before;
    expect([during > 50, during < 70]).toEqual([true, true]);
    a.isBusy = false;
    await clock.tick(4_000);
    const after = a.texts.length + b.texts.length;
    await clock.tick(60_000);
    expect(a.texts.length + b.texts.length).toBe(after);
    expect([a.endings, b.endings]).toEqual([[], []]);
  });

  it('ends when the other end is silent though requests are under way', async () => {
    const { a, b, clock } = await opened();
    b.tell = async () => 'told';
    a.isBusy = true;
    await clock.tick(6_000);
    expect(a.endings).toEqual([]);
    await clock.tick(2_500);
    expect(a.endings).toEqual([{ why: 'the other node has been silent for 6000 ms' }]);
  });

  it('ends when it does not open in time', async () => {
    const { a, b, clock } = ends();
    b.tell = async () => 'told';
    a.pipe.begin();
    await clock.tick(2_000);
    expect(a.endings).toEqual([{ why: 'the other node did not answer through Redis in time' }]);
    expect(b.endings).toHaveLength(1);
  });

  it('does not open to a node with another secret, nor to one without', async () => {
    for (const secret of ['another', '']) {
      const { a, b } = ends('a secret', secret);
      a.pipe.begin();
      await until(() => a.endings.length === 1);
      expect(a.endings[0]).toEqual({
        why: 'the other node has another secret: set the same "cluster.secret" on all nodes',
        refusal: 'secret',
      });
      expect([a.opens, b.opens]).toEqual([0, 0]);
    }
  });

  it.each([
    ['a text that was changed', (box: string) => `${box.startsWith('A') ? 'B' : 'A'}${box.slice(1)}`],
    ['a text that is too short', () => 'AAAA'],
    ['what is no base64', () => '???'],
  ])('ends for %s', async (_name, change) => {
    const { a, b } = await opened();
    const { tell } = a;
    a.tell = (text) => tell(text.is === 'data' ? { ...text, box: change(text.box) } : text);
    a.send('x');
    await until(() => b.endings.length === 1);
    expect([b.endings[0]?.refusal, b.frames]).toEqual(['secret', []]);
  });

  it('ends for a key that is none, and for a frame that its owner cannot read', async () => {
    const { b } = ends();
    b.take({ is: 'open', own: 'x', key: 'no key' });
    expect(b.endings).toEqual([{ why: 'the other node gave no key of this format', fault: 'frame' }]);
    const { a, b: other } = await opened();
    a.send('bad');
    await until(() => other.endings.length === 1);
    expect(other.endings[0]?.fault).toBe('frame');
  });

  it('tells when all was sent', async () => {
    const { a } = await opened();
    const told = later<Told>();
    a.tell = () => told.promise;
    a.send('x');
    let isSent = false;
    void a.pipe.whenSent().then(() => {
      isSent = true;
    });
    await settle();
    expect(isSent).toBe(false);
    told.resolve('told');
    await until(() => isSent);
  });

  it('leaves no timer behind', async () => {
    const { a, clock } = await opened();
    a.pipe.cut({ why: 'over' });
    await settle();
    expect(clock.pending).toBe(0);
  });
});
