/** Truncation and mixtures: densities, gradients, draws. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  canTruncate,
  censoredLogProb,
  mixtureLogProb,
  truncatedLogProb,
} from "../../src/distributions/combinators.js";
import { distributions } from "../../src/distributions/index.js";
import { sampleTruncated, truncatedQuantile } from "../../src/distributions/truncated-sampling.js";
import { stream } from "../../src/math/rng/random.js";
import { gradient } from "../../src/passes/grad/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate } from "../../src/tensor/evaluate.js";
import type { Node } from "../../src/tensor/ops.js";
import { cases } from "./cases.js";
import { type Args, distribution, hostArgs, logProb, tail } from "./harness.js";
import { chiSquareScore, integrate, kolmogorovSmirnov } from "./numerics.js";

interface Truncation {
  readonly base: string;
  readonly args: Readonly<Record<string, number>>;
  readonly lower: number | null;
  readonly upper: number | null;
}
interface Reference extends Truncation {
  readonly points: readonly { readonly x: number; readonly logProb: number | string }[];
}
/** A draw below 1 is seen as 1, one above 4 as 4; numbers of SciPy 1.17, `norm(2, 1.5)`. */
const CENSORED = [
  { x: 1, logProb: -1.376_373_584_973_070_7 },
  { x: 2.5, logProb: -1.379_959_196_868_392_6 },
  { x: 4, logProb: -2.394_577_366_158_644 },
  { x: 0.5, logProb: -Infinity },
  { x: 4.5, logProb: -Infinity },
] as const;

const { truncated } = JSON.parse(
  readFileSync(new URL("./reference.json", import.meta.url), "utf8"),
) as { readonly truncated: readonly Reference[] };

/** Shape parameters in which incomplete gamma and beta functions have no derivative here. */
const noGradient = new Set(["shape", "a", "b", "nu", "dispersion"]);

function build(t: Truncation): {
  readonly g: GraphBuilder;
  readonly inputs: Record<string, Node>;
  readonly output: Node;
} {
  const g = new GraphBuilder();
  const base = distribution(t.base);
  const discrete = base.event.scalar !== "real";
  const inputs: Record<string, Node> = {};
  const args: Record<string, Node> = {};
  for (const [name, v] of Object.entries(t.args)) {
    args[name] = g.constant(v);
    if (!noGradient.has(name) && name !== "n") {
      inputs[name] = g.input(name, []);
      args[name] = inputs[name];
    }
  }
  const x = g.input("x", [], discrete ? "int" : "real");
  if (!discrete) inputs.x = x;
  const bound = (v: number | null, name: string): Node | undefined => {
    if (v === null) return undefined;
    if (discrete) return g.constant(v);
    const node = g.input(name, []);
    inputs[name] = node;
    return node;
  };
  const lower = bound(t.lower, "lower");
  const upper = bound(t.upper, "upper");
  const output = truncatedLogProb(g, base, x, args, lower, upper, []);
  return { g, inputs, output };
}

function values(t: Truncation, x: number): Record<string, number[]> {
  const given: Record<string, number[]> = { x: [x] };
  for (const [name, v] of Object.entries(t.args)) given[name] = [v];
  if (t.lower !== null) given.lower = [t.lower];
  if (t.upper !== null) given.upper = [t.upper];
  return given;
}

const label = (t: Truncation): string =>
  `${t.base}${JSON.stringify(t.args)} on [${t.lower ?? "-inf"}, ${t.upper ?? "inf"}]`;
const host = (t: Truncation): readonly [number, number] => [
  t.lower ?? -Infinity,
  t.upper ?? Infinity,
];

describe.each(truncated.map((t) => [label(t), t] as const))("%s", (_, t) => {
  test("log density against the reference", () => {
    const { output } = build(t);
    for (const p of t.points) {
      const [got] = evaluate([output], values(t, p.x))[0];
      const want = p.logProb === "-inf" ? -Infinity : Number(p.logProb);
      // Tails of relative error 1e-12, differences of which lose a digit or two.
      if (got !== want) expect(Math.abs(got - want), `at ${p.x}`).toBeLessThan(1e-10);
    }
  });

  test("gradients against finite differences", () => {
    const { g, inputs, output } = build(t);
    const names = Object.keys(inputs);
    const slopes = gradient(
      g,
      output,
      names.map((n) => inputs[n]),
    );
    const [low, high] = host(t);
    const discrete = distribution(t.base).event.scalar !== "real";
    const inside = (v: number): boolean => (discrete ? v >= low && v <= high : v > low && v < high);
    const x = t.points.map((p) => p.x).find(inside);
    if (x === undefined) throw new Error("no interior point");
    const at = values(t, x);
    const exact = evaluate(slopes, at).map((v) => v[0]);
    names.forEach((name, k) => {
      const v = at[name][0];
      const h = 1e-4 * Math.min(1, Math.max(0.03, Math.abs(v)));
      const f = (d: number): number => evaluate([output], { ...at, [name]: [v + d] })[0][0];
      const numeric = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
      // Log tails of magnitude up to 1e3 have rounding 1e-12 at best: ε |f| / h = 1e-7 of them.
      const bound = 1e-6 * Math.max(1, Math.abs(exact[k]));
      expect(Math.abs(exact[k] - numeric), `d/d${name} ${exact[k]} ${numeric}`).toBeLessThan(bound);
    });
  });

  test("draws fit, and quantiles are monotone and inside", () => {
    const base = distribution(t.base);
    const [low, high] = host(t);
    const rng = stream(20240611, 0, 0, 0);
    const far = base.event.scalar === "real" && massOf(t) < 1e-3;
    const count = far ? 40 : 2000;
    const draws = Array.from({ length: count }, () =>
      sampleTruncated(rng, base, hostArgs(t.args), low, high),
    );
    for (const x of draws) expect(x >= low && x <= high).toBe(true);
    if (base.event.scalar === "real") {
      // The truncated distribution function, by integrating the truncated density …
      const density = (xs: Float64Array): number[] => densities(t, xs);
      const some = draws.slice(0, 12).sort((a, b) => a - b);
      const ends = [low, ...some];
      let sum = 0;
      const u = some.map((x, i) => {
        if (x > ends[i]) sum += integrate(density, ends[i], x);
        return sum;
      });
      expect(kolmogorovSmirnov(u)).toBeLessThan(2.23);
      // … and all draws, by the tails of the base.
      expect(kolmogorovSmirnov(shares(t, draws))).toBeLessThan(2.23);
    } else {
      const mass = densities(
        t,
        Float64Array.from({ length: 100 }, (__, k) => k),
      );
      expect(chiSquareScore(draws, mass)).toBeLessThan(3.7);
    }
    const grid = [1e-9, 0.01, 0.3, 0.5, 0.9, 1 - 1e-9];
    const q = grid.map((p) => truncatedQuantile(p, base, hostArgs(t.args), low, high));
    q.forEach((v, i) => {
      expect(v >= low && v <= high && (i === 0 || v >= q[i - 1])).toBe(true);
    });
    if (base.event.scalar === "real") {
      shares(t, q).forEach((u, i) => {
        expect(Math.abs(u - grid[i])).toBeLessThan(1e-9);
      });
    }
  });
});

/** The truncated density at many points. */
function densities(t: Truncation, xs: Float64Array): number[] {
  const g = new GraphBuilder();
  const base = distribution(t.base);
  const args = Object.fromEntries(Object.entries(t.args).map(([k, v]) => [k, g.constant(v)]));
  const [lower, upper] = [t.lower, t.upper].map((v) => (v === null ? undefined : g.constant(v)));
  const x = g.constant(xs, [xs.length], base.event.scalar === "real" ? "real" : "int");
  const node = truncatedLogProb(g, base, x, args, lower, upper, [xs.length]);
  return [...evaluate([node], {})[0]].map(Math.exp);
}

/** P(X ≤ x | lower ≤ X ≤ upper), from whichever tail is smaller. */
function shares(t: Truncation, xs: readonly number[]): number[] {
  const base = distribution(t.base);
  const finite = (v: number | null, otherwise: number): number => v ?? otherwise;
  const ends = [finite(t.lower, -1e300), finite(t.upper, 1e300)];
  const below = tail(base, "logCdf", t.args, [...ends, ...xs]);
  const above = tail(base, "logCcdf", t.args, [...ends, ...xs]);
  const upperTail = below[0] > above[1];
  return xs.map((_, i) => {
    if (upperTail) {
      const top = above[0];
      const rest = Math.exp(above[1] - top);
      return (1 - Math.exp(above[i + 2] - top)) / (1 - rest);
    }
    const top = below[1];
    const rest = Math.exp(below[0] - top);
    return (Math.exp(below[i + 2] - top) - rest) / (1 - rest);
  });
}

function massOf(t: Truncation): number {
  const base = distribution(t.base);
  const below = tail(base, "cdf", t.args, [t.lower ?? -1e300, t.upper ?? 1e300]);
  return below[1] - below[0];
}

test("a batch of truncations is its copies", () => {
  const base = distribution("Gamma");
  const shape = [3.5, 0.7, 2];
  const x = [0.5, 1, 1.5];
  const one = (k: number): number => {
    const g = new GraphBuilder();
    const args = { shape: g.constant(shape[k]), rate: g.constant(0.5) };
    const node = truncatedLogProb(
      g,
      base,
      g.constant(x[k]),
      args,
      g.constant(0.25),
      g.constant(2),
      [],
    );
    return evaluate([node], {})[0][0];
  };
  const g = new GraphBuilder();
  const args = { shape: g.constant(shape), rate: g.constant(0.5) };
  const node = truncatedLogProb(
    g,
    base,
    g.constant(x),
    args,
    g.constant(0.25),
    g.constant([2, 2, 2]),
    [3],
  );
  expect([...evaluate([node], {})[0]]).toEqual([0, 1, 2].map(one));
});

test("a shared truncation has one normaliser", () => {
  const g = new GraphBuilder();
  const args = { mu: g.input("mu", []), sigma: g.input("sigma", []) };
  const x = g.constant(Float64Array.from({ length: 100 }, (_, i) => 1 + i));
  const node = truncatedLogProb(
    g,
    distribution("Normal"),
    x,
    args,
    g.constant(0),
    undefined,
    [100],
  );
  const seen = new Set<Node>();
  const walk = (n: Node): void => {
    if (seen.has(n)) return;
    seen.add(n);
    if (n.op === "unary") {
      if (n.fn === "log_ndtr") expect(n.shape).toEqual([]);
      walk(n.x);
    } else if (n.op === "binary") {
      walk(n.x);
      walk(n.y);
    } else if (n.op === "ternary") {
      walk(n.x);
      walk(n.y);
      walk(n.z);
    } else if (n.op === "broadcast") walk(n.x);
  };
  walk(node);
  expect([...seen].some((n) => n.op === "unary" && n.fn === "log_ndtr")).toBe(true);
});

describe("a bound at the end of the support is no bound", () => {
  const truncatable = Object.values(distributions).filter(
    (d) => d.event.scalar === "real" && canTruncate(d),
  );
  test.each(truncatable.map((d) => [d.name, d] as const))("%s", (name, base) => {
    for (const { args, xs } of cases[name].sets) {
      const x = Math.min(...(xs as number[]));
      const upper = Math.max(...(xs as number[])) + 0.01;
      const support = base.support(new Set(Object.keys(args))).kind;
      const ends = support === "positive" || support === "unit" ? [0, -1, -Infinity] : [-Infinity];
      const run = (lower: number | undefined, high: number): number[] => {
        const g = new GraphBuilder();
        const inputs: Record<string, Node> = { x: g.input("x", []) };
        const given: Record<string, Node> = {};
        const at: Record<string, number[]> = { x: [x], lower: [lower ?? 0], upper: [high] };
        for (const [k, v] of Object.entries(args)) {
          at[k] = [v as number];
          given[k] = noGradient.has(k) ? g.constant(v as number) : g.input(k, []);
          if (!noGradient.has(k)) inputs[k] = given[k];
        }
        const low = lower === undefined ? undefined : g.input("lower", []);
        const node = truncatedLogProb(g, base, inputs.x, given, low, g.input("upper", []), []);
        const slopes = gradient(g, node, Object.values(inputs));
        return evaluate([node, ...slopes], at).map((v) => v[0]);
      };
      const free = (): number[] => run(undefined, upper);
      for (const low of ends) {
        run(low, upper).forEach((v, i) => {
          const want = free()[i];
          expect(Math.abs(v - want), `${low} ${i}: ${v} ${want}`).toBeLessThan(
            1e-10 * Math.max(1, Math.abs(want)),
          );
        });
        for (const v of run(low, Infinity)) expect(v, `${low} to inf`).not.toBeNaN();
      }
    }
  });
});

test("an interval without mass is −∞, not NaN", () => {
  const g = new GraphBuilder();
  const args = { mu: g.constant(0), sigma: g.constant(1) };
  const x = g.constant([0, 1e200, 2e200]);
  const node = truncatedLogProb(
    g,
    distribution("Normal"),
    x,
    args,
    g.constant(1e200),
    undefined,
    [3],
  );
  expect([...evaluate([node], {})[0]]).toEqual([-Infinity, -Infinity, -Infinity]);
});

test("every distribution with a cdf can be truncated", () => {
  for (const d of Object.values(distributions)) {
    expect(canTruncate(d), d.name).toBe(d.cdf !== undefined);
    expect(d.logCdf !== undefined, d.name).toBe(d.logCcdf !== undefined);
  }
});

describe("censoring", () => {
  const density = (g: GraphBuilder, x: Node, mu: Node): Node => {
    const args = { mu, sigma: g.constant(1.5) };
    const [lower, upper] = [g.constant(1), g.constant(4)];
    return censoredLogProb(g, distribution("Normal"), x, args, lower, upper, []);
  };

  test("the mass beyond a bound stands at the bound", () => {
    for (const { x, logProb: want } of CENSORED) {
      const g = new GraphBuilder();
      const [[got]] = evaluate([density(g, g.constant(x), g.constant(2))], {});
      if (want === -Infinity) expect(got).toBe(want);
      else expect(Math.abs(got - want)).toBeLessThan(1e-14 * Math.abs(want) + 1e-15);
    }
  });

  test("gradients at bounds and between them", () => {
    for (const x of [1, 2.5, 4]) {
      const g = new GraphBuilder();
      const mu = g.input("mu", []);
      const output = density(g, g.constant(x), mu);
      const at = (m: number): number => evaluate([output], { mu: [m] })[0][0];
      const [[slope]] = evaluate(gradient(g, output, [mu]), { mu: [2] });
      // Central differences: h² f‴/6 + ε/h, about 1e-10 here.
      expect(Math.abs(slope - (at(2 + 1e-5) - at(2 - 1e-5)) / 2e-5)).toBeLessThan(1e-9);
    }
  });
});

describe("mixtures", () => {
  const components: readonly { readonly name: string; readonly args: Args }[] = [
    { name: "Normal", args: { mu: -2, sigma: 0.5 } },
    { name: "StudentT", args: { nu: 3, mu: 1, sigma: 2 } },
    { name: "Laplace", args: { mu: 40, b: 1e-3 } },
  ];
  const mix = (weights: readonly number[], x: readonly number[], perPoint: boolean): number[] => {
    const g = new GraphBuilder();
    const w = perPoint
      ? g.constant(
          x.flatMap(() => weights),
          [x.length, weights.length],
        )
      : g.constant([...weights]);
    const parts = components.map((c) => {
      const args = Object.fromEntries(
        Object.entries(c.args).map(([k, v]) => [k, g.constant(v as number)]),
      );
      return distribution(c.name).logProb(g, g.constant([...x]), args, [x.length]);
    });
    return [...evaluate([mixtureLogProb(g, g.log(w), parts)], {})[0]];
  };
  const points = [-2, 0, 1.5, 40];

  test("is the log of the weighted sum", () => {
    const weights = [0.2, 0.5, 0.3];
    const want = points.map((x) =>
      Math.log(
        components.reduce(
          (s, c, k) => s + weights[k] * Math.exp(logProb(distribution(c.name), c.args, x)),
          0,
        ),
      ),
    );
    for (const perPoint of [false, true]) {
      mix(weights, points, perPoint).forEach((v, i) => {
        expect(Math.abs(v - want[i])).toBeLessThan(1e-13 * Math.max(1, Math.abs(want[i])));
      });
    }
  });

  test("a weight of 0 switches a component off, far tails do not underflow", () => {
    const [only] = mix([0, 0, 1], [1e4], false);
    expect(only).toBe(logProb(distribution("Laplace"), components[2].args, 1e4));
    expect(only).toBeLessThan(-1e6);
  });
});
