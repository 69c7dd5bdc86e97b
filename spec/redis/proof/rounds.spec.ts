import { keepsPromises } from './rounds.ts';

keepsPromises(6);
