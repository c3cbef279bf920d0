/** Numbers of a run, which views of its progress need before its code is loaded. */

/** Starts from each of which a short run is taken, where starts differ. */
export const RESTARTS = 12;
/** Iterations of a short run. */
export const SHORT_RUN = 15;
