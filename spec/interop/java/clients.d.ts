/** A version of CometD's Java client, and where `npm run setup` puts it. */
export interface Version {
  readonly cometd: string;
  readonly jetty: string;
  readonly ee: string;
  readonly folder: string;
}

export const versions: readonly Version[];
export function classPath(folder: string): string;
export function isReady(folder: string): boolean;
export function prepare(version: Version): string | undefined;
