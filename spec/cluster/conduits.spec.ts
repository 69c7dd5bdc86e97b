import { cluster } from '../support/cluster.ts';
import { forwardedConduits } from './forwarded-conduits.ts';

forwardedConduits('over a link', (settings) => cluster(2, settings));
