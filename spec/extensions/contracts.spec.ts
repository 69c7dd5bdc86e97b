import { ack } from '../../src/extensions/ack.ts';
import { activity } from '../../src/extensions/activity.ts';
import { binary } from '../../src/extensions/binary.ts';
import { timestamp } from '../../src/extensions/timestamp.ts';
import { timesync } from '../../src/extensions/timesync.ts';
import { extensionContract } from '../core/contracts/extension.ts';
import { FakeClock } from '../support/fake-clock.ts';

const clock = new FakeClock();
extensionContract('ack', () => ack);
extensionContract('timesync', () => timesync(clock, 25));
extensionContract('timestamp', () => timestamp(clock, 'iso'));
extensionContract('binary', () => binary);
extensionContract('activity', () => activity(clock, 'client-server', 1000));
