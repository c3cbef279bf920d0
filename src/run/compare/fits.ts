/** `compare`: fits of several models to the same observations, best predictions first. */
import { fail } from "../../base/diagnostic.js";
import { presentable } from "../failure.js";
import type { Posterior } from "../posterior.js";
import { type Compared, compareLoos } from "./compare.js";

/**
 * Compares fits by PSIS-LOO: differences of elpd with their standard errors, and stacking weights.
 * @param fits by the names that they get in the result, or in a list, where models' names serve
 * @param options `vars`: count just the observations of these sites
 * @throws TildeError for fewer than two fits, fits without draws, or different observations.
 */
export function compare(
  fits: readonly Posterior[] | Readonly<Record<string, Posterior>>,
  options: { readonly vars?: readonly string[] } = {},
): readonly Compared[] {
  try {
    const list = Array.isArray(fits) ? fits : Object.values(fits);
    const labels = Array.isArray(fits) ? distinct(list.map(modelOf)) : Object.keys(fits);
    if (list.length < 2) {
      const wanted = "at least two fits";
      fail("bad_option", undefined, { option: "`fits`", value: `${list.length}`, wanted });
    }
    return compareLoos(list.map((fit, k) => ({ name: labels[k], loo: fit.loo(options) })));
  } catch (error) {
    throw presentable(error);
  }
}

function modelOf({ fit }: Posterior): string {
  return fit.conditioned.model.name;
}

/** `schools`, `schools #2` where names repeat. */
export function distinct(names: readonly string[]): string[] {
  return names.map((name, k) => {
    const before = names.slice(0, k).filter((n) => n === name).length;
    return before === 0 ? name : `${name} #${before + 1}`;
  });
}
