/** Says that a limit is met, and which option sets it. */
export function overLimit(option: string, limit: number): string {
  return `"${option}" is ${limit}; raise it to allow more`;
}
