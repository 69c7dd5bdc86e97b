import { ack } from '../../src/features/redelivery/ack.ts';
import { activity } from '../../src/features/activity.ts';
import { binary } from '../../src/features/binary/binary.ts';
import { timestamp } from '../../src/features/timestamp.ts';
import { timesync } from '../../src/features/timesync.ts';
import { extensionContract } from '../core/contracts/extension.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const clock = new FakeClock();
const asFeature = () => ({});
extensionContract('ack', () => ack, asFeature);
extensionContract('timesync', () => timesync(clock, 25));
extensionContract('timestamp', () => timestamp(clock, 'iso'));
extensionContract('binary', () => binary);
extensionContract('activity', () => activity(clock, 'client-server', 1000));
