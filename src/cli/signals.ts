import { isatty } from 'node:tty';

const signals = ['SIGINT', 'SIGTERM'] as const;

/** Resolves with the first signal to end; a second one ends the process at once. */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    const end = (signal: string) => {
      for (const name of signals) process.off(name, end);
      resolve(signal);
    };
    for (const name of signals) process.on(name, end);
  });
}

/** A signal that aborts with the first of them. */
export function interrupted(): AbortSignal {
  const controller = new AbortController();
  void untilSignal().then(() => controller.abort());
  return controller.signal;
}

/** Calls the listener for each SIGHUP. If the terminal of the process was closed, SIGHUP ends the process, as without this. */
export function onHangup(listener: () => void): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  const heard = (): void => {
    if (terminals.every((descriptor) => isatty(descriptor))) {
      listener();
      return;
    }
    process.off('SIGHUP', heard);
    process.kill(process.pid, 'SIGHUP');
  };
  process.on('SIGHUP', heard);
}
