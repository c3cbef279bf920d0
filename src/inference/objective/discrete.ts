/**
 * Draws of distributions with finitely many values: hard ones by inverting the distribution
 * function, and relaxed ones (Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017), which are
 * differentiable and biased.
 */
import type { DistExpr, Expr, Type } from "../../model/ir.js";
import { call, elementwise as f } from "./expressions.js";
import type { ReparamRule } from "./reparam.js";

type Named = Extract<DistExpr, { kind: "named" }>;
interface DiscreteRule {
  readonly hard: ReparamRule;
  /** A value in [0, 1]; `isHard` rounds it and keeps the gradient (straight-through). */
  readonly relaxed?: (temperature: Expr, isHard: boolean) => ReparamRule;
}

const logitsOf = (a: Named["args"]): Expr => a.logits ?? f("logit", a.p);
const scalarInt: Type = { scalar: "int", dims: [] };

export const discreteRules: Readonly<Record<string, DiscreteRule>> = {
  Bernoulli: {
    hard: {
      law: "uniform",
      draw: (a, u) => f("lt", u, a.p ?? f("sigmoid", a.logits)),
    },
    /** σ((logit p + logit u) / t); at t → 0 it is the hard draw u > 1 − p. */
    relaxed: (temperature, isHard) => ({
      law: "uniform",
      draw: (a, u) => {
        const noisy = f("add", logitsOf(a), f("logit", u));
        const soft = f("sigmoid", f("div", noisy, temperature));
        if (!isHard) return soft;
        const hard = f("real", f("lt", f("neg", noisy), 0));
        // The value of the hard draw with the derivative of the soft one.
        return f("add", soft, f("stop_gradient", f("sub", hard, soft)));
      },
    }),
  },
  Categorical: {
    /** How many of the cumulated probabilities lie below u. */
    hard: {
      law: "uniform",
      draw: (a, u) => {
        const p = a.p ?? call("softmax", [a.logits], a.logits.type);
        const below = f("lt", call("cumsum", [p], p.type), u);
        const ones = call("int", [below], { scalar: "int", dims: below.type.dims });
        const count = call("sum", [ones], scalarInt);
        // Rounding can leave the last cumulated probability below u.
        const last = call("sub", [call("size", [p], scalarInt), one(u)], scalarInt);
        return call("minimum", [count, last], scalarInt);
      },
    },
  },
};

function one(like: Expr): Expr {
  return { kind: "const", value: 1, span: like.span, type: scalarInt };
}
