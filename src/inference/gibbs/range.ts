/** Numbers shared by the host's and the kernels' draws. */

/** The references of the scalar rules (`conditionals/rules.ts`). */
export const FAR = 2 ** 20;
export const NEAR = 2 ** -20;
/** Draws that round to the end of an open support stay inside: the largest number below 1, … */
export const LAST = 1 - Number.EPSILON / 2;
/** … and a small one whose reciprocal and square root are ordinary numbers. */
export const LEAST = 1e-290;
