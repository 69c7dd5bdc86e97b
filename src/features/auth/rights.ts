import type { Right } from '../../ports/feature.ts';

/** All rights. */
export const rights = ['subscribe', 'publish', 'call', 'history'] as const satisfies readonly Right[];

/** Segment in a grant that stands for the `sub` of the token. */
export const SUB = '$sub';
