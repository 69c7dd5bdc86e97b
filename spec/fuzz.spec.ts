import { fuzzTransports } from './long/fuzz-transports.ts';

// The long run is in spec/long.
fuzzTransports(300);
