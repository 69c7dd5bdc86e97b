import { addressOf } from '../transports/request-info.ts';
import type { RequestHead } from '../transports/http.ts';
import type { TrustProxy } from '../transports/trusted-proxies.ts';

const signsOfProxies = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
];

/** Whether a request comes from this machine. One that a proxy passed on does not, unless `trustProxy` says where it came from. */
export function isLocal(request: RequestHead, trustProxy: TrustProxy): boolean {
  if (trustProxy === false && signsOfProxies.some((name) => request.headers[name] !== undefined))
    return false;
  const address = addressOf(request, trustProxy);
  return address === '::1' || address.startsWith('127.');
}
