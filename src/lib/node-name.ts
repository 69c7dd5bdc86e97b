import { randomBytes } from 'node:crypto';

const LENGTH = 8;
const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The name of a new node. */
export function newNode(): string {
  let name = '';
  for (const byte of randomBytes(LENGTH)) name += alphanumeric[byte % alphanumeric.length];
  return name;
}

/** Whether a text may be the name of a node. */
export function isNode(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9]{8}$/.test(name);
}
