/** One replacement in a file; `from` must be there exactly once. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A defect put in on purpose, and the test that must find it. */
export interface Mutant {
  readonly name: string;
  /** What does not hold any more. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /**
   * `sim`, where the case is rare with `@` and a seed at which the sweep begins (one that has been seen to catch it; where it no
   * longer does, the sweep goes on as long as from any other), and a plan's fields as JSON; or the path of a test file.
   */
  readonly caughtBy: string;
}

/** A mutant of one edit. */
export function one(
  name: string,
  breaks: string,
  file: string,
  from: string,
  to: string,
  caughtBy = 'sim',
): Mutant {
  return { name, breaks, edits: [{ file, from, to }], caughtBy };
}
