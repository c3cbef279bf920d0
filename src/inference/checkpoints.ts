/** Where a run that is no chain leaves its state from time to time, so that it can be taken up again. */

/**
 * A state is plain data: numbers, texts, lists, objects, maps and typed arrays. It is written before
 * `write` returns, so that arrays may be those that the run goes on with.
 */
export interface Checkpoints<S> {
  /** Where an earlier run stood; the arrays are the caller's. */
  readonly past?: S;
  /** Whether it is time to write. */
  readonly isDue: () => boolean;
  /** Replaces what was written before. */
  readonly write: (state: S) => void;
}
