/**
 * Cluster labels on the host: the Chinese restaurant process, label by label. An item joins a
 * cluster in use with probability n_c / (n + α), and begins the next one with α / (n + α) (Aldous
 * 1985; Blackwell and MacQueen 1973). Labels are exchangeable, so any order of items will do.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { DistExpr, Stmt } from "../../model/ir.js";
import type { HostDist } from "./dist.js";
import type { Frame } from "./frame.js";
import type { LocalCompiler } from "./local.js";

/** Whether a distribution is that of cluster labels, which no table of distributions holds. */
export function isCrp(d: DistExpr): d is Extract<DistExpr, { kind: "named" }> {
  return d.kind === "named" && d.name === "CRP";
}

/** The labels of a site given those of its elements that have values already. */
export function compileCrp(c: LocalCompiler, stmt: Extract<Stmt, { kind: "site" }>): HostDist {
  if (!isCrp(stmt.dist)) return internalError(`${stmt.name} has no labels`);
  const { span } = stmt.dist;
  const alpha = c.scalar(stmt.dist.args.alpha);
  const slot = c.slot(stmt.name);
  /** How many elements have each label. */
  const counts = (f: Frame): number[] => {
    const found: number[] = [];
    const labels = f.slots[slot];
    if (labels === undefined || typeof labels === "number") return found;
    labels.data.forEach((label, i) => {
      if (labels.pending?.isDefined(i) === false) return;
      while (found.length <= label) found.push(0);
      found[label]++;
    });
    return found;
  };
  return {
    eventSize: () => 1,
    logProb: () => internalError("labels have a joint density only"),
    draw: (f, rng, out) => {
      const value = alpha(f);
      if (!(value > 0 && value < Infinity)) {
        const shown = { dist: "CRP", param: "alpha", value: String(value), domain: "positive" };
        fail("draw_parameter_outside", span, shown);
      }
      out[0] = rng.categorical([...counts(f), value]);
    },
  };
}
