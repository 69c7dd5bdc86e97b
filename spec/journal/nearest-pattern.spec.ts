import { describe, expect, it } from 'vitest';
import { nearestPattern } from '../../src/features/journal/nearest-pattern.ts';

describe('the pattern that nearly matches', () => {
  it.each([
    ['/chat/*', '/chat/a/b', 'one_segment', '/chat/**'],
    ['/Chat/room', '/chat/room', 'case', '/chat/room'],
    ['/chat/**', '/Chat/a/b', 'case', '/Chat/**'],
    ['/chat/*', '/Chat/a/b', 'case', '/Chat/**'],
    ['/chat', '/chat/a', 'name_only', '/chat/*'],
    ['/chat', '/chat/a/b', 'name_only', '/chat/**'],
    ['/chat/*', '/chat', 'itself', '/chat'],
    ['/chat/**', '/chat', 'itself', '/chat'],
  ])('%s for %s', (pattern, channel, why, instead) => {
    expect(nearestPattern(['/other', pattern], channel)).toEqual({ pattern, instead, why });
  });

  it.each([
    [['/other', '/chats/*'], '/chat/a'],
    [['/chat/*'], '/chat/a'],
    [[], '/chat'],
  ])('is none among %j for %s', (patterns, channel) => {
    expect(nearestPattern(patterns, channel)).toBeUndefined();
  });
});
