/** Checks of the values of options, shared by the methods. */

/** What is wanted in the place of a value; undefined where the value will do. */
export type Check = (value: unknown) => string | undefined;

/** A whole number in a range. */
export const whole =
  (least: number, most = 1e9): Check =>
  (v) =>
    typeof v === "number" && Number.isInteger(v) && v >= least && v <= most
      ? undefined
      : most < 1e9
        ? `a whole number from ${least} to ${most}`
        : `a whole number of at least ${least}`;
/** A number inside of an open interval. */
export const between =
  (low: number, high: number): Check =>
  (v) =>
    typeof v === "number" && v > low && v < high
      ? undefined
      : high === Number.POSITIVE_INFINITY
        ? `a number above ${low}`
        : `a number between ${low} and ${high}`;
/** One of some words. */
export const oneOf =
  (...words: readonly string[]): Check =>
  (v) =>
    words.includes(v as string) ? undefined : `one of ${words.join(", ")}`;

/** A list of names. */
export const names: Check = (v) =>
  isNames(v) ? undefined : 'a list of names, such as ["mu", "s"]';
/** A list of lists of names. */
export const groups: Check = (v) =>
  Array.isArray(v) && v.every(isNames)
    ? undefined
    : 'a list of lists of names, such as [["z", "x"]]';
/** True or false. */
export const flag: Check = (v) => (typeof v === "boolean" ? undefined : "true or false");
/** An object. */
export const object: Check = (v) =>
  typeof v === "object" && v !== null && !Array.isArray(v)
    ? undefined
    : "an object of names to values";
/** By site, how gibbs draws it. */
export const siteMethods: Check = (v) => {
  const known = ["conjugate", "enumerate", "slice", "nuts", "hmc"];
  const isTable = typeof v === "object" && v !== null && !Array.isArray(v);
  return isTable && Object.values(v).every((m) => known.includes(m as string))
    ? undefined
    : `an object of sites to one of ${known.join(", ")}`;
};
function isNames(v: unknown): boolean {
  return Array.isArray(v) && v.every((name) => typeof name === "string");
}

/** A text that is not empty. */
export const text: Check = (v) => (typeof v === "string" && v !== "" ? undefined : "a name");
/** By size, a number of rows. */
export const counts: Check = (v) =>
  object(v) === undefined && Object.values(v as object).every((n) => whole(1)(n) === undefined)
    ? undefined
    : "sizes with whole numbers of at least 1, such as { N: 128 }";
/** An object of texts. */
export const words: Check = (v) =>
  object(v) === undefined && Object.values(v as object).every((n) => text(n) === undefined)
    ? undefined
    : "an object of names to names";
/** By site, a strategy for gradients. */
export const strategies: Check = (v) =>
  words(v) === undefined
    ? undefined
    : 'an object of sites to strategies, such as {"z": "reinforce(baseline: nvil)"}';
/** Params to begin from. */
export const start: Check = (v) =>
  object(v) === undefined || text(v) === undefined
    ? undefined
    : "an object of params, or the path of a params.json";
