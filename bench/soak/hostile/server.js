import { monitorEventLoopDelay } from 'node:perf_hooks';
import { answerBench } from '../../servers/serve.js';

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

answerBench({
  /** Delays of the event loop since the last question. Microseconds. */
  delay() {
    const { max } = delay;
    const p99 = delay.percentile(99);
    delay.reset();
    return { p99: p99 / 1000, max: max / 1000 };
  },
});

// The program itself: its flags are in the environment.
await import('../../../bin/bayeuxd.js');
