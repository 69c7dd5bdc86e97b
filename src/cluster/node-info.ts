/** What a node tells the others of itself. */
export interface NodeInfo {
  /** Its tag: 8 alphanumeric characters, with which all ids that it makes begin (HS-8). A restarted process is another node. */
  readonly name: string;
  /** Where its link listens, as `host:port` or as the path of a socket file; absent if it takes no links. */
  readonly link?: string;
}
