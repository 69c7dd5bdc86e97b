import type { Refusals } from '../core/refusals.ts';
import { printable } from '../lib/printable.ts';
import { asksForWebSocket } from './pass-over.ts';
import { pathOf } from './request-target.ts';

/** What is looked at of a request. */
interface Asked {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly originalUrl?: string;
  readonly headers: { readonly upgrade?: string | undefined };
}

/** Says where Bayeux is mounted to a request that came elsewhere. One that seems to look for Bayeux is logged. */
export function notFoundText(
  request: Asked,
  mounts: readonly string[],
  refusals: Pick<Refusals, 'note'> | undefined,
): string {
  const where = mounts.length === 0 ? 'nowhere' : mounts.join(' and ');
  const why = `bayeuxd is mounted on ${where}`;
  const path = pathOf(request.originalUrl ?? request.url ?? '').split('?', 1)[0] ?? '';
  if (looksForBayeux(request)) {
    const shown = printable(path.slice(0, 255));
    refusals?.note('mount.missed', { path: shown, why: `a client asked for ${shown}, but ${why}` });
  }
  return `Not found: ${why}`;
}

function looksForBayeux({ method, url = '', headers }: Asked): boolean {
  return method === 'POST' || asksForWebSocket({ headers }) || /[?&]message=/.test(url);
}
