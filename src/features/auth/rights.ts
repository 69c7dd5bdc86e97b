import type { Right } from '../../ports/feature.ts';

/** What can be granted. */
export const rights = ['subscribe', 'publish', 'call', 'history'] as const satisfies readonly Right[];

/** A segment in a grant that stands for the `sub` of a token. */
export const SUB = '$sub';
