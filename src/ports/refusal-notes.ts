/** Where refusals are logged and counted: one line a minute for each event, option and `cause`. */
export interface RefusalNotes {
  note(
    event: string,
    details: {
      readonly option?: string;
      readonly why: string;
      readonly cause?: string | number;
      readonly [key: string]: unknown;
    },
    times?: number,
  ): void;
}
