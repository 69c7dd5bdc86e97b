import { describe } from 'vitest';
import { replayModel } from './replay-model.ts';

describe('replay, whatever happens in which order', () => replayModel(10_000, 60));
