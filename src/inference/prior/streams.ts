/**
 * Where simulations stand among the random streams of one seed (`stream` in math/rng): the site
 * coordinate is this offset plus the number of the variable, the chain coordinate the element, the
 * step the draw. Samplers use small site numbers.
 */
export const streamOffset = { prior: 0x40000000, predictive: 0x60000000 } as const;
