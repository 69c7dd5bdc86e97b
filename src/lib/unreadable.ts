/** Explains in words why a file cannot be read, with the fix. */
export function unreadable(code: string): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file; correct the path';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not read it; change its owner or mode';
    case 'EISDIR':
      return 'it is a folder; name a file';
    default:
      return code;
  }
}
