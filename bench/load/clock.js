/** Microseconds since this process began. */
export function nowUs() {
  return performance.now() * 1000;
}

/** @param {number} ms @returns {Promise<void>} */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
