import { isatty } from 'node:tty';

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

/** Calls the listener for each SIGHUP. When the terminal of the process is closed, SIGHUP ends the process, as it does by default. */
export function onHangup(listener: () => void): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  const onSignal = (): void => {
    if (terminals.every((descriptor) => isatty(descriptor))) {
      listener();
      return;
    }
    process.off('SIGHUP', onSignal);
    process.kill(process.pid, 'SIGHUP');
  };
  process.on('SIGHUP', onSignal);
}
