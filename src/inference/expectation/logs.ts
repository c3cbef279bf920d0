/** Logarithms of nodes: of products factor by factor, through moves of elements, of 1 − p. */
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { Node } from "../../tensor/ops.js";
import { cumulated } from "./moves.js";
import type { Reader } from "./nodes.js";
import { isValue, readingLog } from "./readings.js";
import { Obstacle, type Reading, type Value } from "./terms.js";

/** log of a node. */
export function makeLog(r: Reader, n: Node): Value {
  const { a } = r;
  if (!r.random.has(n)) {
    return r.varies(n) ? r.opaque(a.g.log(n)) : a.map(r.value(n), Math.log, (x) => a.g.log(x));
  }
  // Where the whole has no logarithm (a factor off its diagonal), what is taken of it may.
  const moved = attempt(() => r.moved(n, (x) => r.log(x)));
  if (moved !== undefined) return moved;
  switch (n.op) {
    case "unary":
      if (n.fn === "exp") return r.value(n.x);
      if (n.fn === "square") return a.scale(r.log(n.x), 2);
      if (n.fn === "sqrt") return a.scale(r.log(n.x), 0.5);
      if (n.fn === "reciprocal") return a.scale(r.log(n.x), -1);
      break;
    case "binary":
      if (n.fn === "mul" && r.isPositive(n.x) && r.isPositive(n.y)) {
        return a.add(r.log(n.x), r.log(n.y));
      }
      if (n.fn === "div" && r.isPositive(n.x) && r.isPositive(n.y)) {
        return a.add(r.log(n.x), a.scale(r.log(n.y), -1));
      }
      if (n.fn === "sub" && uniformValue(n.x) === 1) return logComplement(r, n.y);
      if (n.fn === "pow" && !r.random.has(n.y)) {
        return a.mul(r.log(n.x), r.value(n.y));
      }
      break;
    case "ternary":
      if (n.fn === "select") return r.selected(n, (x) => r.log(x));
      break;
    case "reduce":
      if (n.fn === "prod") return a.sum(r.log(n.x), n.axes);
      break;
    case "cumulative":
      if (n.fn === "prod") return cumulated(a, n, r.log(n.x));
      break;
    default:
  }
  return logOfTerm(r, n);
}

/** log of a value that is one product. */
function logOfTerm(r: Reader, n: Node): Value {
  const { a } = r;
  const v = r.value(n);
  const [t] = v.terms;
  if (v.terms.length !== 1 || t.sums.length > 0) {
    return r.refuse(n, "the logarithm of a sum", v);
  }
  let out: Value = { dims: v.dims, terms: [] };
  for (const c of t.coefficients) {
    const log = a.map(a.ofCoefficient(c, v.dims), Math.log, (x) => a.g.log(x));
    out = a.add(out, log);
  }
  for (const each of t.readings) {
    const { factor, reading } = readingLog(each, a.sites);
    out = a.add(out, a.scale(a.ofReading(reading, v.dims), factor));
  }
  return out;
}

/** log(1 + v) where v is −p of a p in the unit interval. */
export function logOnePlus(r: Reader, n: Node): Value {
  const { a } = r;
  if (!r.random.has(n)) {
    return r.varies(n)
      ? r.opaque(a.g.log1p(n))
      : a.map(r.value(n), Math.log1p, (x) => a.g.log1p(x));
  }
  if (n.op === "unary" && n.fn === "neg") return logComplement(r, n.x);
  if (n.op === "ternary" && n.fn === "select") {
    return r.selected(n, (x) => logOnePlus(r, x));
  }
  return r.moved(n, (x) => logOnePlus(r, x)) ?? r.refuse(n, "the logarithm of a sum");
}

/** log(1 − v) of a value in the unit interval. */
function logComplement(r: Reader, n: Node): Value {
  const { a } = r;
  const moved = r.moved(n, (x) => logComplement(r, x));
  if (moved !== undefined && r.random.has(n)) return moved;
  if (n.op === "ternary" && n.fn === "select") {
    return r.selected(n, (x) => logComplement(r, x));
  }
  if (!r.random.has(n)) {
    return r.varies(n)
      ? r.opaque(a.g.log1p(a.g.neg(n)))
      : a.map(
          r.value(n),
          (x) => Math.log1p(-x),
          (x) => a.g.log1p(a.g.neg(x)),
        );
  }
  if (n.op === "binary" && n.fn === "sub" && uniformValue(n.x) === 1) return r.log(n.y);
  const v = r.value(n);
  const [t] = v.terms;
  const one: Reading | undefined = t?.readings[0];
  const alone = v.terms.length === 1 && t.sums.length === 0 && t.readings.length === 1;
  if (!alone || t.coefficients.length > 0 || !isValue(one) || !a.sites[one.site].isUnit) {
    return r.refuse(n, "the logarithm of a difference", v);
  }
  return a.ofReading({ ...one, fn: { kind: "log1m" } }, v.dims);
}

/** What `f` gives; undefined where it meets an obstacle. */
function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (e) {
    if (e instanceof Obstacle) return undefined;
    throw e;
  }
}
