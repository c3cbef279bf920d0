/** Rewriting of elementwise functions of one operand (never a broadcast: those are pushed first). */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, UnaryFn } from "../../tensor/ops.js";
import { isNonnegative, operandOf, uniformValue } from "./facts.js";

type Rule = (g: GraphBuilder, x: Node) => Node | undefined;

const evenOf: Rule = (g, x) => {
  const inner = operandOf(x, "neg") ?? operandOf(x, "abs");
  return inner === undefined ? undefined : g.square(inner);
};

export const unaryRules: { readonly [F in UnaryFn]?: Rule } = {
  neg: (g, x) => {
    if (x.op !== "binary") return undefined;
    if (x.fn === "sub") return g.sub(x.y, x.x);
    const c = uniformValue(x.y);
    if (c === undefined) return undefined;
    if (x.fn === "mul") return g.mul(x.x, g.neg(x.y));
    return x.fn === "add" ? g.sub(g.neg(x.y), x.x) : undefined;
  },
  not: (_g, x) => (x.dtype === "bool" ? operandOf(x, "not") : undefined),
  abs: (g, x) => {
    if (isNonnegative(x)) return x;
    const inner = operandOf(x, "neg");
    return inner === undefined ? undefined : g.abs(inner);
  },
  exp: (_g, x) => operandOf(x, "log"),
  log: (g, x) => {
    if (x.op === "unary") {
      switch (x.fn) {
        case "exp":
          return x.x;
        case "reciprocal":
          return g.neg(g.log(x.x));
        case "sqrt":
          return g.mul(g.log(x.x), 0.5);
        case "square":
          return g.mul(g.log(g.abs(x.x)), 2);
        case "sigmoid":
          return g.neg(g.softplus(g.neg(x.x)));
        default:
          return undefined;
      }
    }
    if (x.op !== "binary") return undefined;
    const c = uniformValue(x.y);
    if (x.fn === "add" && c === 1) return g.log1p(x.x);
    if (x.fn === "mul" && c !== undefined && c > 0 && isNonnegative(x.x)) {
      return g.add(g.log(x.x), g.log(x.y));
    }
    if (x.fn !== "sub" || uniformValue(x.x) !== 1) return undefined;
    return g.log1p(g.neg(x.y));
  },
  log1p: (g, x) => {
    const power = operandOf(x, "exp");
    if (power !== undefined) return g.softplus(power);
    const negated = operandOf(x, "neg");
    if (negated === undefined) return undefined;
    const minus = operandOf(negated, "exp");
    if (minus !== undefined) return g.log1mexp(minus);
    const logit = operandOf(negated, "sigmoid");
    return logit === undefined ? undefined : g.neg(g.softplus(logit));
  },
  sqrt: (g, x) => {
    const inner = operandOf(x, "square");
    return inner === undefined ? undefined : g.abs(inner);
  },
  square: (g, x) => operandOf(x, "sqrt") ?? evenOf(g, x),
  reciprocal: (g, x) => {
    const inner = operandOf(x, "reciprocal");
    if (inner !== undefined) return inner;
    const negated = operandOf(x, "neg");
    if (negated !== undefined) return g.neg(g.reciprocal(negated));
    if (x.op === "binary" && x.fn === "div") return g.div(x.y, x.x);
    if (x.op !== "binary" || x.fn !== "add" || uniformValue(x.y) !== 1) return undefined;
    // 1 / (1 + e⁻ᵗ)
    const power = operandOf(x.x, "exp");
    return power === undefined ? undefined : g.sigmoid(g.neg(power));
  },
  cosh: (g, x) => {
    const inner = operandOf(x, "neg");
    return inner === undefined ? undefined : g.cosh(inner);
  },
  cos: (g, x) => {
    const inner = operandOf(x, "neg");
    return inner === undefined ? undefined : g.cos(inner);
  },
};
