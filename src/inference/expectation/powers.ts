/** Constant powers of nodes: of products factor by factor, and through moves of elements. */
import type { Node } from "../../tensor/ops.js";
import { powerOf, withFactor } from "./coefficients.js";
import type { Reader } from "./nodes.js";
import { readingPower } from "./readings.js";
import type { Coefficient, Value } from "./terms.js";

/** A node to a power other than 1. */
export function makePower(r: Reader, n: Node, p: number): Value {
  const { a } = r;
  if (!r.random.has(n)) {
    const c = r.varies(n) ? a.collapse(r.opaque(n)) : a.collapse(r.value(n));
    return a.ofCoefficient(powerOf(a.g, c, p), r.value(n).dims);
  }
  const moved = r.moved(n, (x) => r.power(x, p));
  if (moved !== undefined) return moved;
  switch (n.op) {
    case "unary":
      if (n.fn === "neg" && p === -1) return a.scale(r.power(n.x, p), -1);
      if (n.fn === "sqrt") return r.power(n.x, p / 2);
      if (n.fn === "reciprocal") return r.power(n.x, -p);
      if (n.fn === "square" && 2 * p === Math.round(2 * p) && p > 0 && p % 1 === 0) {
        return r.power(n.x, 2 * p);
      }
      break;
    case "binary": {
      const signs = p === -1 || (r.isPositive(n.x) && r.isPositive(n.y));
      if (n.fn === "mul" && signs) return a.mul(r.power(n.x, p), r.power(n.y, p));
      if (n.fn === "div" && signs) return a.mul(r.power(n.x, p), r.power(n.y, -p));
      if (n.fn === "pow") {
        const q = r.exponentOf(n.y);
        if (q !== undefined) return r.power(n.x, p * q);
      }
      break;
    }
    case "ternary":
      if (n.fn === "select") return r.selected(n, (x) => r.power(x, p));
      break;
    default:
  }
  return powerOfTerm(r, n, p);
}

/** A value that is one product, or a small whole power of any. */
function powerOfTerm(r: Reader, n: Node, p: number): Value {
  const { a } = r;
  const v = r.value(n);
  const [t] = v.terms;
  const single = v.terms.length === 1 && t.sums.length === 0;
  const positive = single && t.readings.every((x) => a.sites[x.site].isPositive);
  if (!positive && Number.isInteger(p) && p > 0 && p <= 4) {
    let out = v;
    for (let k = 1; k < p; k++) out = a.mul(out, v);
    return out;
  }
  if (!single) return r.refuse(n, `a sum to the power of ${p}`, v);
  const readings = t.readings.map((x) => readingPower(x, p, a.sites));
  let coefficients: Coefficient[] = [];
  for (const c of t.coefficients) {
    coefficients = withFactor(a.g, coefficients, powerOf(a.g, c, p));
  }
  return { dims: v.dims, terms: [{ coefficients, readings, sums: [] }] };
}
