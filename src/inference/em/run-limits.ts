/** Limits of a run that the host and devices share. */

/**
 * No step lowers the log likelihood; where it falls by so much (relative), sums over data of a
 * vanishing spread have lost all their digits.
 */
export const BREAKDOWN = 1e-3;
