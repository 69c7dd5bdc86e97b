/**
 * Whether Kubernetes may have made this variable: for a Service named `bayeuxd`, or `bayeuxd-…`, it gives every container of the
 * namespace some that begin like the program's own.
 */
export function isFromKubernetes(name: string, value = ''): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value) || made.test(name);
}

const made =
  /^BAYEUXD_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
