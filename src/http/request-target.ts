/** The path and query of a request target, which may be a full URL, as clients of a proxy write it (RFC 9112, 3.2.2). */
export function pathOf(target: string): string {
  return target.startsWith('/') ? target : target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '');
}
