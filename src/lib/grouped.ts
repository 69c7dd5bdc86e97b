/** A whole number with commas between groups of three digits. */
export function grouped(value: number): string {
  // Not `toLocaleString`, whose first call in a process takes 20 ms.
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
