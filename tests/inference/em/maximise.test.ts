/** Closed forms of the M-step, and coordinates: maxima, gradients and inverses of random cases. */
import { describe, expect, it } from "vitest";
import { coordinateKernels } from "../../../src/inference/em/coordinates.js";
import { closedForm } from "../../../src/inference/em/maximise/index.js";
import { addStatisticGradient, objectiveAt } from "../../../src/inference/em/statistics.js";
import type { Statistic } from "../../../src/inference/expectation/contract.js";
import { matmul } from "../../../src/math/linalg/index.js";
import { type RandomStream, stream } from "../../../src/math/rng/index.js";
import type { Support } from "../../../src/model/ir.js";
import { condition } from "../../../src/passes/condition/index.js";
import { make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

const fill = (n: number, f: (i: number) => number) =>
  Float64Array.from({ length: n }, (_, i) => f(i));
const positive = (rng: RandomStream) => Math.exp(rng.normal());

/** A positive definite matrix. */
function definite(n: number, rng: RandomStream): Float64Array {
  const a = fill(n * n, () => rng.normal());
  const t = fill(n * n, (at) => a[(at % n) * n + Math.floor(at / n)]);
  return matmul(a, t, n, n, n).map((v, at) => v + (at % (n + 1) === 0 ? 0.5 : 0));
}

const pairs = {
  kind: "products",
  first: Int32Array.of(0, 0, 1, 2),
  second: Int32Array.of(0, 1, 1, 2),
} as const;

interface Row {
  readonly name: string;
  readonly support: Support;
  readonly statistics: readonly Statistic[];
  readonly length: number;
  readonly last: number;
  readonly side: number;
  /** Weights under which Q has a maximum. */
  readonly eta: (rng: RandomStream) => Float64Array[];
  readonly point: (rng: RandomStream) => Float64Array;
}

const power = (exponent: number): Statistic => ({ kind: "power", exponent });
const scalars = (support: Support, statistics: readonly Statistic[], signs: readonly number[]) => ({
  support,
  statistics,
  length: 3,
  last: 3,
  side: 1,
  eta: (rng: RandomStream) => signs.map((s) => fill(3, () => s * positive(rng))),
});
const log: Statistic = { kind: "log" };
const value: Statistic = { kind: "value" };
const positivePoint = (rng: RandomStream) => fill(3, () => positive(rng));

const table: readonly Row[] = [
  {
    name: "real, two of three linked",
    ...scalars({ kind: "real" }, [value, pairs], [1, 1]),
    eta: (rng) => {
      const a = definite(2, rng);
      const linear = fill(3, () => rng.normal());
      return [linear, Float64Array.of(-a[0], -2 * a[1], -a[3], -positive(rng))];
    },
    point: (rng) => fill(3, () => rng.normal()),
  },
  ...[
    { name: "standard deviations", list: [log, power(-2)], signs: [-1, -1] },
    { name: "variances", list: [log, power(-1)], signs: [-1, -1] },
    { name: "rates", list: [log, value], signs: [1, -1] },
    {
      name: "scales with a half-normal prior",
      list: [log, power(-2), power(2)],
      signs: [-1, -1, -1],
    },
    { name: "scales with a gamma prior", list: [log, power(-2), value], signs: [1, -1, -1] },
  ].map(({ name, list, signs }) => ({
    name,
    ...scalars({ kind: "positive" }, list, signs),
    point: positivePoint,
  })),
  {
    name: "probabilities",
    ...scalars({ kind: "unit" }, [log, { kind: "log1m" }], [1, 1]),
    point: (rng) => fill(3, () => rng.uniform()),
  },
  {
    name: "simplex",
    ...scalars({ kind: "simplex" }, [log], [1]),
    point: (rng) => rng.dirichlet(Float64Array.of(1, 1, 1)),
  },
  {
    name: "covariances",
    support: { kind: "cov" },
    statistics: [{ kind: "log_det" }, { kind: "inverse" }],
    length: 18,
    last: 3,
    side: 3,
    eta: (rng) => {
      const c = [definite(3, rng), definite(3, rng)].flatMap((m) => [...m.map((v) => -v)]);
      return [Float64Array.of(-2, -3), Float64Array.from(c)];
    },
    point: (rng) => Float64Array.from([...definite(3, rng), ...definite(3, rng)]),
  },
  {
    name: "precisions",
    support: { kind: "cov" },
    statistics: [{ kind: "value" }, { kind: "log_det" }],
    length: 9,
    last: 3,
    side: 3,
    eta: (rng) => [definite(3, rng).map((v) => -v), Float64Array.of(2)],
    point: (rng) => definite(3, rng),
  },
];

describe.each(table)("$name", (row) => {
  it("is the maximum", () => {
    for (let k = 0; k < 20; k++) {
      const rng = stream(7, 0, 0, k);
      const eta = row.eta(rng);
      const form = closedForm(
        { supports: [row.support], length: row.length, last: row.last },
        row.statistics,
      );
      const found = row.point(rng);
      expect(form?.maximise(eta, found).kind).toBe("found");
      const at = (v: Float64Array) => objectiveAt(row.statistics, eta, v, row.side);
      const best = at(found);
      for (let j = 0; j < 20; j++) {
        expect(at(row.point(rng))).toBeLessThanOrEqual(best);
        // Near by, too: towards another point of the support, which is convex.
        const other = row.point(rng);
        const near = found.map((v, i) => v + 1e-3 * (other[i] - v));
        expect(at(near)).toBeLessThanOrEqual(best + 1e-12 * Math.abs(best));
      }
    }
  });

  it("has the gradient of its statistics", () => {
    const rng = stream(8, 0, 0, 0);
    const eta = row.eta(rng);
    const v = row.point(rng);
    const slope = new Float64Array(row.length);
    row.statistics.forEach((s, j) => {
      addStatisticGradient(s, eta[j], v, row.side, slope);
    });
    // Along the way to another point: symmetric matrices stay symmetric.
    const other = row.point(rng);
    const step = 1e-5;
    const at = (t: number) =>
      objectiveAt(
        row.statistics,
        eta,
        v.map((x, i) => x + t * (other[i] - x)),
        row.side,
      );
    const difference = (at(step) - at(-step)) / (2 * step);
    const exact = slope.reduce((sum, d, i) => sum + d * (other[i] - v[i]), 0);
    expect(Math.abs(difference - exact)).toBeLessThan(1e-6 * (1 + Math.abs(exact)));
  });
});

describe("singular objectives", () => {
  const shape = { supports: [{ kind: "positive" } as const], length: 1, last: 1 };
  it("are told of scales that nothing keeps away from zero", () => {
    const form = closedForm(shape, [log, power(-2)]);
    const outcome = form?.maximise([Float64Array.of(-3), Float64Array.of(0)], Float64Array.of(1));
    expect(outcome).toEqual({ kind: "singular", scalar: 0 });
  });
  it("leave what has no counts as it is", () => {
    const v = Float64Array.of(0.7);
    const form = closedForm(shape, [log, power(-2)]);
    expect(form?.maximise([Float64Array.of(0), Float64Array.of(0)], v).kind).toBe("found");
    expect(v[0]).toBe(0.7);
  });
});

describe("coordinates", () => {
  const text = `model m(K: int) {
    param a: real[2]
    param b: positive[2]
    param c: unit[2]
    param d: between(-1, 3)[2]
    param e: below(2)
    for k in 0..K {
      param f[k]: simplex[3]
      param h[k]: cov[3]
    }
    param i: ordered[3]
    param j: positive_ordered[3]
    param l: corr[3]
    param n: cholesky_cov[2]
    param o: cholesky_corr[3]
    param p: nonnegative
    observe 0 ~ Normal(a[0] + d[0] + e, p)
  }`;
  const names = [..."abcdefhijlnop"];
  const kernels = coordinateKernels(condition(modelOf(text), dataSet({ K: 2 })), names);
  const list = kernels.bind(make(kernels.module));

  it.each(names.map((name, k) => ({ name, k })))("$name comes back", ({ k }) => {
    const rng = stream(9, 0, k, 0);
    const c = list[k];
    const u = fill(c.freeLength, () => rng.normal());
    const back = c.free(c.own(u));
    u.forEach((x, i) => {
      expect(back[i]).toBeCloseTo(x, 9);
    });
    // The pulled-back gradient of a linear function against differences.
    const slope = fill(c.latent.length, () => rng.normal());
    const pulled = c.pull(u, slope);
    const at = (v: Float64Array) => c.own(v).reduce((s, x, i) => s + x * slope[i], 0);
    u.forEach((x, i) => {
      const [up, down] = [u.slice(), u.slice()];
      up[i] = x + 1e-6;
      down[i] = x - 1e-6;
      expect(pulled[i]).toBeCloseTo((at(up) - at(down)) / 2e-6, 5);
      const [above, below] = [c.logDet(up).value, c.logDet(down).value];
      expect(c.logDet(u).slope[i]).toBeCloseTo((above - below) / 2e-6, 5);
    });
  });
});
