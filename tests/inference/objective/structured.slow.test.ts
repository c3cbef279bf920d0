/** Every strategy with every structured program, from more draws than `structured.test.ts` takes. */
import { describe, test } from "vitest";
import { checkUnbiased } from "./unbiased.js";

const unbiased = [
  "",
  "using reinforce(baseline: moving_average)",
  "using reinforce(baseline: muprop)",
  "using rebar",
  "using enumerate",
];

describe("unbiased gradients of sites that depend on each other", () => {
  for (const name of ["layers", "vectors", "chain", "mixture", "labelChain"]) {
    // Labels have no measure-valued derivative of their own.
    const all = name === "mixture" || name === "labelChain" ? unbiased : [...unbiased, "using mvd"];
    test.each(all)(`${name} %s`, (using) => checkUnbiased(name, using, 20_000));
  }
});
