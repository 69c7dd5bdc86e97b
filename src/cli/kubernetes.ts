/**
 * Whether Kubernetes may have made this variable. For a Service named `bayeuxd` or `bayeuxd-…`, Kubernetes
 * gives every container of the namespace variables with the prefix of the program's own.
 */
export function isFromKubernetes(name: string, value = ''): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value) || serviceVariable.test(name);
}

const serviceVariable =
  /^BAYEUXD_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
