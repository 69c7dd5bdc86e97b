/** The part of `proxy-addr` that is used here; it brings no types. */
declare module 'proxy-addr' {
  interface ProxyAddr {
    /** Throws `TypeError` for what is no address, no range and no name of ranges. */
    compile(list: readonly string[]): (address: string, hop: number) => boolean;
  }
  const proxyAddr: ProxyAddr;
  export default proxyAddr;
}
