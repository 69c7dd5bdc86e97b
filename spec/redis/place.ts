import type { PlaceChange } from '../../src/redis/scripts/attend.ts';

/** A session that is on a roster. */
export function place(
  roster: string,
  id: string,
  session: string,
  more: Partial<PlaceChange & { is: 'here' }> = {},
): PlaceChange {
  return { is: 'here', roster, id, session, inPlaceOf: '', since: 1, info: '', ...more };
}
