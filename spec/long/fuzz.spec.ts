import { fuzzTransports } from './fuzz-transports.ts';

fuzzTransports(100_000, Date.now() & 0x7fff_ffff);
