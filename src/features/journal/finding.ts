/** One thing that the journal tells. */
export interface Finding {
  /** Stable, for programs. */
  readonly code: string;
  /** Whether this keeps the session from getting the event. */
  readonly isCause: boolean;
  /** What happened. */
  readonly what: string;
  /** What to do. */
  readonly fix?: string;
}

/** The answer to a question. */
export interface Explanation {
  /** What was asked about, in words. */
  readonly about: string;
  /** Causes first. */
  readonly findings: readonly Finding[];
}

/** Most findings of one kind in an answer. */
export const MOST = 5;

export const cause = (code: string, what: string, fix: string): Finding => ({
  code,
  isCause: true,
  what,
  fix,
});

export const fact = (code: string, what: string, fix?: string): Finding => ({
  code,
  isCause: false,
  what,
  ...(fix !== undefined && { fix }),
});

/** Causes first, else in the given order. */
export function explanation(about: string, findings: readonly Finding[]): Explanation {
  const [causes, others] = [findings.filter(isCause), findings.filter((finding) => !isCause(finding))];
  return { about, findings: [...causes, ...others] };
}

const isCause = (finding: Finding): boolean => finding.isCause;
