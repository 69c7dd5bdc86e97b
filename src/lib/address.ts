/**
 * The key under which limits count an address: without port; an IPv4 address inside an IPv6 one as IPv4; another IPv6
 * address by its first 64 bits, since one customer of a provider has all addresses with them. Never throws: text that is
 * not an address is its own key.
 */
export function countingKey(address: string): string {
  const bare = bareAddress(address);
  return bare.includes(':') ? prefixOf(bare) : bare;
}

/** An address without port, zone and brackets; an IPv4 address inside an IPv6 one as IPv4. Other text stays as it is. */
export function bareAddress(address: string): string {
  if (/^[\d.]+$/.test(address)) return address;
  const bare = withoutPort(address.trim()).replace(/%.*$/, '').toLowerCase();
  return /^(?:0{0,4}:){2,6}ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1] ?? bare;
}

function withoutPort(address: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(address)?.[1];
  if (bracketed !== undefined) return bracketed;
  return /^[^:]*:\d*$/.test(address) ? address.slice(0, address.indexOf(':')) : address;
}

// `::` stands for as many zero groups as are missing.
function prefixOf(address: string): string {
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const width = after.at(-1)?.includes('.') ? after.length + 1 : after.length;
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - width);
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after];
  const first = all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${first.join(':')}::/64`;
}
