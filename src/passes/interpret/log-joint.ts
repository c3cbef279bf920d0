/**
 * The log joint density by its definition: the slow, obvious twin of the vectorised lowering that
 * gradient methods use. Tests hold the two together.
 */
import { fail } from "../../base/diagnostic.js";
import type { DataSet } from "../../model/data.js";
import { elementName, unravel } from "../../model/data.js";
import type { Conditioned } from "../condition/index.js";
import { compileModel, type Leaf } from "./model.js";
import { Runner } from "./run.js";

/** One statement's part of the log density, at one index tuple. */
export interface LogJointTerm {
  readonly statement: Extract<Leaf["stmt"], { kind: "site" | "observe" | "factor" }>;
  /** `y[3]` for sites; `observe` and `factor` have no name. */
  readonly element: string;
  readonly value: number;
}

/**
 * Every term of log p(data, latents) in the model's order. `values` has the whole array of each
 * site (and param) that is not fully observed.
 * @throws TildeError where a value is missing or an index is out of range.
 */
export function logJointTerms(conditioned: Conditioned, values: DataSet): LogJointTerm[] {
  const terms: LogJointTerm[] = [];
  const runner = new Runner(compileModel(conditioned), {
    define: (leaf, f, store, element) => {
      if (leaf.kind !== "let") {
        return fail("site_without_value", leaf.stmt.span, { element: store.elementName(element) });
      }
      const value = leaf.value(f);
      const out = store.event(element);
      if (value.dims.length === 0) out.fill(value.data[0]);
      else out.set(value.data);
    },
    reached: (leaf, f, store, element) => {
      switch (leaf.kind) {
        case "site": {
          if (store === undefined) return;
          const value = leaf.dist.logProb(f, store.event(element));
          const name = elementName(store.name, unravel(element, store.shape.batch));
          terms.push({ statement: leaf.stmt, element: name, value });
          return;
        }
        case "observe": {
          const value = leaf.dist.logProb(f, leaf.value(f).data);
          terms.push({ statement: leaf.stmt, element: "observe", value });
          return;
        }
        case "factor":
          terms.push({ statement: leaf.stmt, element: "factor", value: leaf.value(f) });
      }
    },
  });
  for (const [name, value] of conditioned.observed) runner.give(name, value);
  for (const [name, value] of values) runner.give(name, value);
  runner.run();
  return terms;
}

/** log p(data, latents): the sum of `logJointTerms`. */
export function logJointOf(conditioned: Conditioned, values: DataSet): number {
  return logJointTerms(conditioned, values).reduce((total, t) => total + t.value, 0);
}
