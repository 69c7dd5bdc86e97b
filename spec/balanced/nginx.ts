import { nginx } from '../deploy/proxies.ts';
import { hostBehind } from './hosts.ts';

await hostBehind(nginx);
