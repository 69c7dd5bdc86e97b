import { describe, it } from 'vitest';
import { carriersKeepOrder, kinds, play } from './carriers-model.ts';

describe('while carriers go dark, stall, recover and overlap, every event arrives in order, and twice only where marked', () => {
  it.each(Object.entries(kinds))('%s', (_name, kind) => carriersKeepOrder(50, kind, { seed: 1 }));
});

describe('rounds of the model that failed once', () => {
  it('over HTTP/2, what a dark stream had not handed over comes again when its connection ends', () =>
    play(
      {
        delivery: 'unflushed',
        listens: 'all',
        room: 0,
        window: 65_535,
        retry: 'at once',
        maxFlushBytes: 600,
        maxBufferedBytes: 1000,
      },
      [
        { do: 'cut', which: 0, how: 'reset' },
        { do: 'stream', via: 'h2', fresh: false },
        { do: 'time', ms: 10 },
        { do: 'publish', count: 1, bytes: 0 },
        { do: 'dark', which: 0 },
        { do: 'cut', which: 0, how: 'end' },
      ],
    ));
});
