/** The events that may leave until the next connect, as a connect says in `ext.flow`; undefined where it sets no limit. */
export function creditOf(flow: unknown): number | undefined {
  const credit = typeof flow === 'object' && flow !== null && 'credit' in flow ? flow.credit : undefined;
  return typeof credit === 'number' && Number.isInteger(credit) && credit >= 0 ? credit : undefined;
}
