/** How many events a client asks for until its next connect, by what its connect has in `ext.flow`: as many as there are, if it says nothing. */
export function creditOf(flow: unknown): number {
  const credit = typeof flow === 'object' && flow !== null && 'credit' in flow ? flow.credit : undefined;
  const isCount = typeof credit === 'number' && Number.isInteger(credit) && credit >= 0;
  return isCount ? credit : Number.POSITIVE_INFINITY;
}
