import type { TransportName } from '../ports/conduit.ts';
import type { Server } from './options.ts';

/** Logs that a transport was asked for that is not enabled, and says so in words. */
export function noteDisabled(name: TransportName, { refusals }: Server): string {
  const why = `${name} is not enabled; add it to "transports"`;
  refusals.note('request.refused', { option: 'transports', cause: name, why, status: 400 });
  return why;
}
