const signals = ['SIGINT', 'SIGTERM'] as const;

/** Resolves to the first SIGINT or SIGTERM. After that, a second signal ends the process at once. */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    const end = (signal: string) => {
      for (const name of signals) process.off(name, end);
      resolve(signal);
    };
    for (const name of signals) process.on(name, end);
  });
}

/** An abort signal that follows the first SIGINT or SIGTERM. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  void untilSignal().then(() => controller.abort());
  return controller.signal;
}
