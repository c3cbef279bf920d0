/**
 * One table: every distribution against every check. Reference numbers are of
 * scripts/reference/distributions.py (mpmath, cross-checked there with SciPy).
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Distribution, ParamDomain } from "../../src/distributions/contract.js";
import { distributions } from "../../src/distributions/index.js";
import { stream } from "../../src/math/rng/random.js";
import { gradient } from "../../src/passes/grad/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import { type ArgumentSet, type Case, cases } from "./cases.js";
import {
  type Args,
  distribution,
  flatten,
  hostArgs,
  isSize,
  logProb,
  logProbs,
  means,
  shapeOf,
  symbolic,
  tail,
  type Value,
} from "./harness.js";
import { chiSquareScore, integrate, kolmogorovSmirnov, moments } from "./numerics.js";

interface Point {
  readonly args: Args;
  readonly x: Value;
  readonly logProb: number | string;
  readonly cdf?: number | string;
  readonly logCdf?: number | string;
  readonly logCcdf?: number | string;
}
interface Reference {
  readonly versions: Readonly<Record<string, string>>;
  readonly distributions: Readonly<Record<string, readonly Point[]>>;
}
const reference = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
) as Reference;

/** JSON has no infinities: they are written as strings. */
function number(v: number | string): number {
  return typeof v === "number" ? v : v === "inf" ? Infinity : v === "-inf" ? -Infinity : Number(v);
}

/** |got − want| ≤ relative · max(floor, |want|), or both the same infinity. */
function close(got: number, want: number, relative: number, floor: number, what: string): void {
  if (got === want) return;
  const error = Math.abs(got - want);
  const bound = relative * Math.max(floor, Math.abs(want));
  expect(error <= bound, `${what}: ${got}, expected ${want}`).toBe(true);
}

const show = (args: Args, x?: Value): string =>
  JSON.stringify(args) + (x === undefined ? "" : ` at ${JSON.stringify(x)}`);

const largest = (args: Args): number =>
  Math.max(1, ...Object.values(args).flatMap((v) => flatten(v).map(Math.abs)));

/** All pairs of arguments and points of sets with the same arguments and sizes. */
function groups(c: Case): { readonly args: Args[]; readonly xs: Value[] }[] {
  const byShape = new Map<string, { args: Args[]; xs: Value[] }>();
  const signature = (s: ArgumentSet): string =>
    Object.entries(s.args)
      .map(([name, v]) => `${name}[${shapeOf(v)}]`)
      .join();
  for (const s of c.sets) {
    const group = byShape.get(signature(s)) ?? { args: [], xs: [] };
    byShape.set(signature(s), group);
    for (const x of s.xs) {
      group.args.push(s.args);
      group.xs.push(x);
    }
  }
  return [...byShape.values()];
}

type Direction = readonly { readonly index: number; readonly weight: number }[];

/**
 * Directions in which a value may move: those that stay in its domain. A gradient is compared
 * along each, so that either convention for symmetric matrices passes.
 */
function directions(value: Value, domain: ParamDomain | string): Direction[] {
  const shape = shapeOf(value);
  const size = flatten(value).length;
  if (domain === "simplex") {
    return Array.from({ length: size - 1 }, (_, k) => [
      { index: k, weight: 1 },
      { index: k + 1, weight: -1 },
    ]);
  }
  // Matrices whose elements are free have the domain of reals.
  if (shape.length < 2 || domain === "real") {
    return Array.from({ length: size }, (_, k) => [{ index: k, weight: 1 }]);
  }
  const n = shape[0];
  const result: Direction[] = [];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      if (domain === "corr" && i === j) continue;
      const entries = [{ index: i * n + j, weight: 1 }];
      if (i !== j && !domain.startsWith("cholesky")) entries.push({ index: j * n + i, weight: 1 });
      result.push(entries);
    }
  }
  return result;
}

function checkGradient(dist: Distribution, args: Args, x: Value): void {
  const { g, inputs, output } = symbolic(dist, args, x);
  const names = Object.keys(inputs);
  const gradients = gradient(
    g,
    output,
    names.map((name) => inputs[name]),
  );
  const values: Record<string, number[]> = Object.fromEntries(
    names.map((name) => [`arg ${name}`, flatten(name === "x" ? x : args[name])]),
  );
  const exact = evaluate(gradients, values);
  const at = (name: string, d: Direction, step: number): number => {
    const moved = [...values[`arg ${name}`]];
    for (const { index, weight } of d) moved[index] += weight * step;
    return evaluate([output], { ...values, [`arg ${name}`]: moved })[0][0];
  };
  const support = dist.support(new Set(Object.keys(args))).kind;
  names.forEach((name, k) => {
    const spec = dist.parameterisations.flat().find((p) => p.name === name);
    const value = name === "x" ? x : args[name];
    for (const d of directions(value, name === "x" ? support : (spec?.domain ?? "real"))) {
      // Fourth order: the error is h⁴ f⁗⁗/30 + ε |f| / h, below 1e-8 for h = 1e-3 of the scale.
      const scale = Math.max(...d.map(({ index }) => Math.abs(flatten(value)[index])), 0.03);
      const h = 1e-3 * Math.min(scale, 1);
      const numeric =
        (8 * (at(name, d, h) - at(name, d, -h)) - (at(name, d, 2 * h) - at(name, d, -2 * h))) /
        (12 * h);
      const analytic = d.reduce((s, { index, weight }) => s + weight * exact[k][index], 0);
      const label = `d/d${name} of ${dist.name}${show(args, x)}`;
      close(
        analytic,
        numeric,
        2e-7,
        Math.max(1, Math.abs(evaluate([output], values)[0][0])),
        label,
      );
    }
  });
}

function density(dist: Distribution, args: Args): (x: Float64Array) => number[] {
  const names = Object.keys(args).map(() => args);
  return (x) => logProbs(dist, names.slice(0, 1), [...x], []).map(Math.exp);
}

const DRAWS = 10_000;
function draws(
  dist: Distribution,
  args: Args,
  seed: number,
  count = DRAWS,
): (number | Float64Array)[] {
  const rng = stream(seed, 0, 0, 0);
  const host = hostArgs(args);
  return Array.from({ length: count }, () => dist.sample(rng, host));
}
const scalarDraws = (dist: Distribution, args: Args, seed: number): number[] =>
  draws(dist, args, seed) as number[];

/** P(√n D > 2.23) = 1e-4 for a true law; the seeds are fixed, so a pass stays a pass. */
const KS_LIMIT = 2.23;
/** 4.5 standard errors: 7e-6 two-sided. */
const Z_LIMIT = 4.5;
/** The score of a true law exceeds 3.7 once in 1e4. */
const CHI_LIMIT = 3.7;

const seedOf = (name: string, k: number): number =>
  [...name].reduce((s, c) => (s * 31 + c.charCodeAt(0)) % 1_000_003, 7) + k;

/** A check that some distributions have no ground for: they do not get the test at all. */
function testIf(condition: boolean, title: string, body: () => void): void {
  if (condition) test(title, body);
}

test("every distribution has cases and reference numbers", () => {
  const names = Object.keys(distributions).sort();
  expect(Object.keys(cases).sort()).toEqual(names);
  expect(Object.keys(reference.distributions).sort()).toEqual(names);
  for (const name of names) {
    expect(distributions[name].name).toBe(name);
    const covered = new Set(cases[name].sets.map((s) => Object.keys(s.args).sort().join()));
    for (const specs of distributions[name].parameterisations) {
      const keys = specs.map((p) => p.name).sort();
      expect(covered, `${name}(${keys})`).toContain(keys.join());
    }
    expect(cases[name].total !== undefined || cases[name].marginals !== undefined, name).toBe(true);
  }
});

describe.each(Object.keys(distributions))("%s", (name) => {
  const dist = distribution(name);
  const c = cases[name];
  const points = reference.distributions[name];

  test("log density against the reference", () => {
    for (const p of points) {
      const got = logProb(dist, p.args, p.x);
      close(got, number(p.logProb), 1e-12, 1, show(p.args, p.x));
    }
  });

  testIf(dist.cdf !== undefined, "cdf and its log tails against the reference", () => {
    for (const p of points) {
      if (p.cdf === undefined || p.logCdf === undefined || p.logCcdf === undefined) {
        throw new Error(`${name} has a cdf but no reference for it`);
      }
      const x = [p.x as number];
      const label = show(p.args, p.x);
      // The incomplete beta and gamma functions promise 1e-12 (relative, so absolute in a log);
      // I_z(a, b) knows z but not 1 − z, whose rounding costs ε · max(a, b).
      const bound = 4e-12 + 1.2e-16 * largest(p.args);
      close(tail(dist, "cdf", p.args, x)[0], number(p.cdf), bound, 1, `cdf ${label}`);
      close(tail(dist, "logCdf", p.args, x)[0], number(p.logCdf), bound, 1, `logCdf ${label}`);
      close(tail(dist, "logCcdf", p.args, x)[0], number(p.logCcdf), bound, 1, `logCcdf ${label}`);
    }
  });

  testIf(dist.cdf !== undefined && dist.event.scalar === "real", "tails' derivatives", () => {
    for (const { args, xs } of c.sets) {
      for (const x of xs as number[]) {
        const g = new GraphBuilder();
        const at = g.input("x", []);
        const fixed = Object.fromEntries(
          Object.entries(hostArgs(args)).map(([k, v]) => [k, g.constant(v)]),
        );
        const below = dist.logCdf!(g, at, fixed);
        const above = dist.logCcdf!(g, at, fixed);
        const slopes = [gradient(g, below, [at])[0], gradient(g, above, [at])[0]];
        const [f, s, df, ds] = evaluate([below, above, ...slopes], { x: [x] }).map((v) => v[0]);
        // F′ = p, so (log F)′ = p/F and (log S)′ = −p/S.
        const p = logProb(dist, args, x);
        close(df, Math.exp(p - f), 1e-10, 1e-300, `logCdf ${show(args, x)}`);
        close(ds, -Math.exp(p - s), 1e-10, 1e-300, `logCcdf ${show(args, x)}`);
      }
    }
  });

  test("−∞ outside the support", () => {
    for (const { args, x } of c.outside) {
      expect(logProb(dist, args, x), show(args, x)).toBe(-Infinity);
    }
  });

  test("gradients against finite differences", () => {
    for (const { args, xs } of c.sets) for (const x of xs) checkGradient(dist, args, x);
  });

  testIf(dist.event.rank < 2, "no gradient is NaN at an edge of the support or beyond", () => {
    const all = [...points, ...c.outside];
    for (const { args, x } of all) {
      if (!flatten(x).every(Number.isFinite)) continue;
      const { g, inputs, output } = symbolic(dist, args, x);
      const names = Object.keys(inputs);
      const slopes = gradient(
        g,
        output,
        names.map((n) => inputs[n]),
      );
      const at = Object.fromEntries(
        names.map((n) => [`arg ${n}`, flatten(n === "x" ? x : args[n])]),
      );
      evaluate(slopes, at).forEach((v, k) => {
        expect(v.some(Number.isNaN), `d/d${names[k]} ${show(args, x)}: ${[...v]}`).toBe(false);
      });
    }
  });

  test("a batch is its copies", () => {
    for (const { args, xs } of groups(c)) {
      const names = Object.keys(args[0]).filter((n) => !isSize(dist, n));
      const same = (got: readonly number[], want: readonly number[], what: string): void => {
        // Sums of the same terms in another order at most.
        got.forEach((v, i) => {
          close(v, want[i], 1e-13, 1, `${name} ${what} ${i}`);
        });
      };
      const each = args.map((a, i) => logProb(dist, a, xs[i]));
      same(logProbs(dist, args, xs, names), each, "all batched");
      const shared = xs.map((x) => logProb(dist, args[0], x));
      same(logProbs(dist, [args[0]], xs, []), shared, "all shared");
      const doubled = { args: [...args, ...args], xs: [...xs, ...xs] };
      const grid = [2, xs.length];
      same(logProbs(dist, doubled.args, doubled.xs, names, grid), [...each, ...each], "grid");
      same(logProbs(dist, [args[0]], doubled.xs, [], grid), [...shared, ...shared], "shared grid");
      for (const one of names) {
        const mixed = args.map((a) => ({ ...args[0], [one]: a[one] }));
        const want = mixed.map((a, i) => logProb(dist, a, xs[i]));
        same(logProbs(dist, mixed, xs, [one]), want, `only ${one} batched`);
        const some = means(dist, mixed, [one]);
        const full = means(dist, mixed, names);
        if (some !== undefined && full !== undefined) same(some, full, `mean, ${one} batched`);
      }
      const single = means(dist, [args[0]], []);
      const twice = means(dist, [args[0], args[0]], []);
      if (single !== undefined) expect(twice).toEqual([...single, ...single]);
    }
  });

  testIf(c.total?.kind === "continuous", "integrates to 1, and to its mean", () => {
    if (c.total?.kind !== "continuous") return;
    const { args } = c.sets[0];
    const { from, to } = c.total;
    const breaks = c.breaks?.(args) ?? [];
    const p = density(dist, args);
    close(integrate(p, from, to, breaks), 1, 1e-10, 1, `total of ${show(args)}`);
    const mean = means(dist, [args], []);
    if (mean === undefined || c.circular === true) return;
    const weighted = (x: Float64Array): number[] => p(x).map((v, i) => v * x[i]);
    close(integrate(weighted, from, to, breaks), mean[0], 1e-9, 1, `mean of ${show(args)}`);
  });

  testIf(c.total?.kind === "discrete", "sums to 1, and to its mean", () => {
    if (c.total?.kind !== "discrete") return;
    const { args } = c.sets[0];
    const xs = Array.from({ length: c.total.last + 1 }, (_, k) => k);
    const p = density(dist, args)(Float64Array.from(xs));
    const sum = (f: (k: number) => number): number => xs.reduce((s, k) => s + f(k), 0);
    close(
      sum((k) => p[k]),
      1,
      1e-11,
      1,
      `total of ${show(args)}`,
    );
    const mean = means(dist, [args], []);
    if (mean !== undefined)
      close(
        sum((k) => k * p[k]),
        mean[0],
        1e-10,
        1,
        "mean",
      );
  });

  testIf(c.total !== undefined && c.total.kind !== "improper", "draws fit", () => {
    c.sets.forEach(({ args }, k) => {
      const sample = scalarDraws(dist, args, seedOf(name, k));
      const label = show(args);
      if (c.total?.kind === "certain") {
        expect(sample.every((x) => x === c.sets[k].xs[0])).toBe(true);
      } else if (c.total?.kind === "discrete") {
        const cells = Float64Array.from({ length: 300 }, (_, i) => i);
        const mass = density(dist, args)(cells);
        expect(chiSquareScore(sample, mass), label).toBeLessThan(CHI_LIMIT);
      } else if (dist.cdf !== undefined) {
        const u = tail(dist, "cdf", args, sample);
        expect(kolmogorovSmirnov(u), label).toBeLessThan(KS_LIMIT);
      } else {
        // Only the circle has no cdf: its density is smooth, so Simpson's rule between
        // 4000 nodes is exact to 1e-10, and linear interpolation to 1e-5.
        const n = 4000;
        const nodes = Float64Array.from(
          { length: 2 * n + 1 },
          (_, i) => -Math.PI + (i * Math.PI) / n,
        );
        const p = density(dist, args)(nodes);
        const cumulative = [0];
        for (let i = 0; i < n; i++) {
          const area = (p[2 * i] + 4 * p[2 * i + 1] + p[2 * i + 2]) * (Math.PI / n / 3);
          cumulative.push(cumulative[i] + area);
        }
        const u = sample.map((x) => {
          const t = ((x + Math.PI) / (2 * Math.PI)) * n;
          const i = Math.min(n - 1, Math.floor(t));
          return cumulative[i] + (t - i) * (cumulative[i + 1] - cumulative[i]);
        });
        expect(kolmogorovSmirnov(u), label).toBeLessThan(KS_LIMIT);
      }
    });
  });

  testIf(c.moments === true, "mean and variance of draws", () => {
    const { args } = c.sets[0];
    const sample = moments(scalarDraws(dist, args, seedOf(name, 100)));
    const p = density(dist, args);
    const power = (m: number, degree: number): number => {
      const f = (x: Float64Array): number[] => p(x).map((v, i) => v * (x[i] - m) ** degree);
      if (c.total?.kind === "continuous") {
        return integrate(f, c.total.from, c.total.to, c.breaks?.(args) ?? []);
      }
      return f(Float64Array.from({ length: 300 }, (_, k) => k)).reduce((s, v) => s + v, 0);
    };
    const mean = power(0, 1);
    expect(Math.abs(sample.mean - mean) / sample.meanError).toBeLessThan(Z_LIMIT);
    const variance = power(mean, 2);
    const z = Math.abs(sample.variance - variance) / sample.varianceError;
    expect(z).toBeLessThan(Z_LIMIT);
  });

  testIf(dist.quantile !== undefined, "the quantile inverts the cdf", () => {
    for (const { args } of c.sets) {
      const p = [1e-12, 1e-3, 0.1, 0.25, 0.5, 0.77, 0.99, 1 - 1e-9];
      const host = hostArgs(args);
      const x = p.map((v) => dist.quantile?.(v, host) ?? Number.NaN);
      if (dist.event.scalar === "real") {
        const back = tail(dist, "cdf", args, x);
        p.forEach((v, i) => {
          close(back[i], v, 1e-9, 1e-3, `${name} ${show(args)} p=${v}`);
        });
      } else {
        const reached = tail(dist, "cdf", args, x);
        const before = tail(
          dist,
          "cdf",
          args,
          x.map((v) => v - 1),
        );
        p.forEach((v, i) => {
          expect(reached[i], `${name} ${v}`).toBeGreaterThanOrEqual(v * (1 - 1e-12));
          expect(before[i], `${name} ${v}`).toBeLessThanOrEqual(v);
        });
      }
    }
  });

  testIf(c.marginals !== undefined, "marginals of draws", () => {
    const { args } = c.sets[0];
    const sample = draws(dist, args, seedOf(name, 0)) as Float64Array[];
    for (const m of c.marginals ?? []) {
      const law = distribution(m.law);
      const values = sample.map(m.of);
      if (law.event.scalar === "real") {
        const distance = kolmogorovSmirnov(tail(law, "cdf", m.args, values));
        expect(distance, m.label).toBeLessThan(KS_LIMIT);
      } else {
        const mass = density(law, m.args)(Float64Array.from({ length: 300 }, (_, k) => k));
        expect(chiSquareScore(values, mass), m.label).toBeLessThan(CHI_LIMIT);
      }
    }
    // Each draw lies in the support.
    const [rows] = shapeOf(c.sets[0].xs[0]);
    for (const x of sample.slice(0, 50)) {
      const n = x.length / rows;
      const value: Value =
        dist.event.rank === 1
          ? [...x]
          : Array.from({ length: rows }, (_, i) => [...x.slice(i * n, (i + 1) * n)]);
      expect(logProb(dist, args, value)).toBeGreaterThan(-Infinity);
    }
  });

  testIf(c.meanOfDraws === true, "mean of draws, element by element", () => {
    const groupsOfKeys = new Map(c.sets.map((s) => [Object.keys(s.args).join(), s.args]));
    for (const args of groupsOfKeys.values()) {
      const sample = draws(dist, args, seedOf(name, 1)) as Float64Array[];
      const mean = means(dist, [args], []) ?? [];
      expect(mean.length).toBe(sample[0].length);
      mean.forEach((want, i) => {
        const m = moments(sample.map((x) => x[i]));
        // A diagonal of ones does not vary.
        const z = m.variance === 0 ? m.mean - want : (m.mean - want) / m.meanError;
        expect(Math.abs(z), `element ${i} of ${show(args)}`).toBeLessThan(Z_LIMIT);
      });
    }
  });
});
