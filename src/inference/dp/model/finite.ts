/** A model with an unbounded plate as a finite one, in which the labels carry no density. */
import { internalError } from "../../../base/internal.js";
import type { DistExpr, Expr, Stmt } from "../../../model/ir.js";
import { sizeVar } from "../../../model/size.js";
import type { Conditioned } from "../../../passes/condition/index.js";
import { withComponents } from "../../../passes/condition/unbounded.js";

/**
 * The model with `count` components. The prior of the labels is left to the sampler: each label has
 * weights 1, that is, log density 0 for every component.
 */
export function withClusters(given: Conditioned, count: number): Conditioned {
  const { model } = given;
  const { unbounded, ...rest } = model;
  if (unbounded === undefined) return internalError(`${model.name} has no unbounded plate`);
  const relabel = (s: Stmt): Stmt => {
    switch (s.kind) {
      case "for":
        return { ...s, body: s.body.map(relabel) };
      case "if":
        // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
        return { ...s, then: s.then.map(relabel), else: s.else.map(relabel) };
      case "site":
        if (s.name !== unbounded.label) return s;
        return { ...s, dist: weightless(s.dist, unbounded.size) };
      default:
        return s;
    }
  };
  const bounded = withComponents(given, count);
  return { ...bounded, model: { ...rest, body: model.body.map(relabel) } };
}

function weightless({ span, event, support }: DistExpr, size: string): DistExpr {
  const count: Expr = {
    kind: "var",
    role: "input",
    name: size,
    span,
    type: { scalar: "int", dims: [] },
  };
  const p: Expr = {
    kind: "call",
    fn: "ones",
    args: [count],
    span,
    type: { scalar: "real", dims: [sizeVar(size)] },
  };
  return { kind: "named", name: "Categorical", args: { p }, event, support, span };
}
