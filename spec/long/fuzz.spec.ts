import { fuzzTransports } from './fuzz-transports.ts';

fuzzTransports(100_000);
