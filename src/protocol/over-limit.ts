/** Says that a limit is met, and which option sets it. */
export function overLimit(option: string, limit: number | string): string {
  return `"${option}" is ${limit}; raise it to allow more`;
}

/** The same for a rate. */
export function overRate(option: string, rate: number): string {
  return overLimit(option, `${rate} a second`);
}
