import { haproxy } from '../deploy/proxies.ts';
import { hostBehind } from './hosts.ts';

await hostBehind(haproxy);
