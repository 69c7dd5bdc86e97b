import { fuzzTransports } from './long/fuzz-transports.ts';

// The long run, with a seed of its own each time, is in spec/long.
fuzzTransports(300, 2);
