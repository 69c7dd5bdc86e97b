import { describe } from 'vitest';
import { replayModel } from '../long/replay-model.ts';

// The long run, with a seed of its own each time, is in spec/long.
describe('replay, whatever happens in which order', () => replayModel(300, 25, 1));
