/** Checks of the parameters of a draw: samplers trust what they are given. */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import type { ParamDomain, ParamSpec } from "../../distributions/contract.js";
import { cholesky } from "../../math/linalg/index.js";

type Value = number | Float64Array;
const slack = 1e-6;

const scalarRule =
  (test: (x: number) => boolean) =>
  (v: Value): boolean =>
    typeof v === "number" ? test(v) : v.every(test);
const finite = Number.isFinite;

const side = (m: Float64Array): number => Math.round(Math.sqrt(m.length));
function isPositiveDefinite(v: Value): boolean {
  return typeof v !== "number" && cholesky(v, side(v)) !== undefined;
}
function isLowerFactor(v: Value): boolean {
  if (typeof v === "number") return false;
  const n = side(v);
  return v.every((x, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return i === j ? x > 0 && finite(x) : i > j ? finite(x) : x === 0;
  });
}
function hasUnitRows(v: Value): boolean {
  if (typeof v === "number") return false;
  const n = side(v);
  for (let i = 0; i < n; i++) {
    let norm = 0;
    for (let j = 0; j < n; j++) norm += v[i * n + j] ** 2;
    if (Math.abs(norm - 1) > slack) return false;
  }
  return true;
}

const rules: { readonly [K in ParamDomain]: (v: Value) => boolean } = {
  real: scalarRule((x) => !Number.isNaN(x)),
  positive: scalarRule((x) => x > 0 && finite(x)),
  nonnegative: scalarRule((x) => x >= 0 && finite(x)),
  unit: scalarRule((x) => x >= 0 && x <= 1),
  count: scalarRule((x) => x >= 0 && Number.isInteger(x)),
  positive_int: scalarRule((x) => x > 0 && Number.isInteger(x)),
  size: scalarRule((x) => x >= 0 && Number.isInteger(x)),
  simplex: (v) =>
    typeof v !== "number" &&
    v.every((x) => x >= 0) &&
    Math.abs(v.reduce((a, b) => a + b, 0) - 1) <= slack,
  positive_vector: scalarRule((x) => x > 0 && finite(x)),
  cov: isPositiveDefinite,
  corr: isPositiveDefinite,
  cholesky_cov: isLowerFactor,
  cholesky_corr: (v) => isLowerFactor(v) && hasUnitRows(v),
  ordered: (v) => typeof v !== "number" && v.every((x, k) => k === 0 || x >= v[k - 1]),
};

/** @throws TildeError where a parameter of `dist` is outside its domain. */
export function checkParameter(dist: string, spec: ParamSpec, value: Value, span: Span): void {
  if (rules[spec.domain](value)) return;
  const shown =
    typeof value === "number"
      ? String(value)
      : `[${[...value.subarray(0, 6)].join(", ")}${value.length > 6 ? ", …" : ""}]`;
  fail("draw_parameter_outside", span, {
    dist,
    param: spec.name,
    value: shown,
    domain: spec.domain,
  });
}

/** @throws TildeError where mixture weights are negative, not finite or all zero. */
export function checkWeights(weights: Float64Array, span: Span): void {
  const total = weights.reduce((a, b) => a + b, 0);
  if (total > 0 && finite(total) && weights.every((w) => w >= 0)) return;
  fail("draw_parameter_outside", span, {
    dist: "Mixture",
    param: "weights",
    value: `[${[...weights.subarray(0, 6)].join(", ")}${weights.length > 6 ? ", …" : ""}]`,
    domain: "simplex",
  });
}
