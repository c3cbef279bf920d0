/**
 * Entropies, expected log densities and divergences beside quadrature, exact sums and Gauss–Hermite
 * rules (`scripts/reference/divergences.py`), and their gradients beside central differences.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  divergence,
  entropy,
  expectedLogDensity,
  expectedVectorDensity,
  type Law,
  marginals,
} from "../../src/distributions/expectations/index.js";
import { gradient } from "../../src/passes/grad/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import { evaluate, evaluateGraph } from "../../src/tensor/evaluate.js";
import type { InputNode, Node } from "../../src/tensor/ops.js";
import { inputsOf } from "../../src/tensor/transform.js";
import { type Args, flatten, shapeOf } from "./harness.js";

type Figure = number | string;
interface Reference {
  readonly entropies: readonly {
    readonly q: string;
    readonly args: Args;
    readonly entropy: Figure;
  }[];
  readonly pairs: readonly {
    readonly q: string;
    readonly qArgs: Args;
    readonly p: string;
    readonly pArgs: Args;
    readonly expected: Figure;
    readonly divergence: Figure;
  }[];
}
const { entropies, pairs } = JSON.parse(
  readFileSync(new URL("divergences.json", import.meta.url), "utf8"),
) as Reference;
const figure = (x: Figure): number =>
  x === "+inf" ? Number.POSITIVE_INFINITY : x === "-inf" ? Number.NEGATIVE_INFINITY : Number(x);

function law(g: GraphBuilder, name: string, args: Args): Law {
  const nodes = Object.entries(args).map(([k, v]) => [
    k,
    g.constant(Float64Array.from(flatten(v)), shapeOf(v)),
  ]);
  return { name, args: Object.fromEntries(nodes) };
}

const value = (x: Node | undefined): number => {
  if (x === undefined) throw new Error("no closed form");
  expect(x.shape).toEqual([]);
  return evaluate([x], {})[0][0];
};

/** Both sides of a pair of the same name have one array of trials. */
function shared(q: Law, p: Law): Law {
  return q.name === "Binomial" && p.name === "Binomial"
    ? { ...p, args: { ...p.args, n: q.args.n } }
    : p;
}

// Rounding of the largest term: shapes of 5000 have log gammas of 4e4.
const close = (found: number, wanted: number, scale: number): void => {
  if (!Number.isFinite(wanted)) expect(found).toBe(wanted);
  else expect(Math.abs(found - wanted)).toBeLessThan(2e-12 * (1 + Math.abs(wanted) + scale));
};
const sizeOf = (args: Args): number =>
  Math.max(...Object.values(args).flatMap(flatten).map(Math.abs));

describe("against references", () => {
  test.each(entropies)("the entropy of $q $args", ({ q, args, entropy: h }) => {
    const g = new GraphBuilder();
    close(value(entropy(g, law(g, q, args))), figure(h), 10 * sizeOf(args));
  });

  test.each(pairs)("$q $qArgs beside $p $pArgs", ({ q, qArgs, p, pArgs, ...known }) => {
    const g = new GraphBuilder();
    const from = law(g, q, qArgs);
    const to = shared(from, law(g, p, pArgs));
    const scale = 10 * (sizeOf(qArgs) + sizeOf(pArgs));
    // Counts whose entropy has no closed form have one of the two.
    const isWhole = entropy(g, from) !== undefined;
    expect(isWhole).toBe(q !== "Poisson" && q !== "Binomial");
    if (isWhole || p === q) {
      close(value(divergence(g, from, to)), figure(known.divergence), scale);
    }
    if (isWhole || p !== q) {
      close(value(expectedLogDensity(g, from, to)), figure(known.expected), scale);
    }
  });

  test("a distribution has no divergence from itself", () => {
    const seen = new Set<string>();
    for (const { q, qArgs } of pairs) {
      const g = new GraphBuilder();
      const own = law(g, q, qArgs);
      const found = divergence(g, own, own);
      if (found === undefined) continue;
      seen.add(q);
      // Forms of their own are exact to the rounding of differences of equal numbers.
      expect(Math.abs(value(found))).toBeLessThan(1e-13 * (1 + sizeOf(qArgs)));
    }
    expect(seen.size).toBeGreaterThan(15);
  });

  test("logits and log rates are probabilities and rates", () => {
    const g = new GraphBuilder();
    const at = (name: string, args: Args): Law => law(g, name, args);
    const logit = (p: number): number => Math.log(p / (1 - p));
    const forms: readonly (readonly [string, Args, Args])[] = [
      ["Bernoulli", { p: 0.3 }, { logits: logit(0.3) }],
      [
        "Categorical",
        { p: [0.2, 0.5, 0.3] },
        { logits: [0.2, 0.5, 0.3].map((p) => Math.log(p) + 2) },
      ],
      ["Poisson", { rate: 4 }, { log_rate: Math.log(4) }],
    ];
    const others: Readonly<Record<string, Args>> = {
      Bernoulli: { p: 0.8 },
      Categorical: { p: [0.6, 0.3, 0.1] },
      Poisson: { rate: 1.5 },
    };
    for (const [name, plain, log] of forms) {
      const to = at(name, others[name]);
      const wanted = value(divergence(g, at(name, plain), to));
      close(value(divergence(g, at(name, log), to)), wanted, 1);
      close(value(divergence(g, to, at(name, log))), value(divergence(g, to, at(name, plain))), 1);
    }
    // Far logits: the probability is 0 in double precision, its logarithm is not.
    const far = value(
      divergence(g, at("Bernoulli", { logits: 1 }), at("Bernoulli", { logits: 800 })),
    );
    const s = 1 / (1 + Math.E);
    close(far, (1 - s) * Math.log(1 - s) + s * (Math.log(s) + 800), 800);
  });
});

/** Beyond logs, every argument moves: gradients of all in one vector. */
function movable(g: GraphBuilder, name: string, args: Args, at: string) {
  const inputs: Record<string, InputNode> = {};
  const point: Record<string, Float64Array> = {};
  const nodes: Record<string, Node> = {};
  for (const [k, v] of Object.entries(args)) {
    const data = Float64Array.from(flatten(v));
    if (k === "n") {
      nodes[k] = g.constant(data, shapeOf(v));
      continue;
    }
    inputs[`${at}.${k}`] = g.input(`${at}.${k}`, shapeOf(v));
    nodes[k] = inputs[`${at}.${k}`];
    point[`${at}.${k}`] = data;
  }
  return { law: { name, args: nodes }, inputs, point };
}

describe("gradients against central differences", () => {
  const names = [...new Set(pairs.map(({ q, p }) => `${q} ${p}`))];
  test.each(names)("%s", (both) => {
    // Smooth places: the edges of supports and kinks have one-sided slopes.
    const found = pairs.find(
      ({ q, p, qArgs, pArgs, divergence: d }) =>
        `${q} ${p}` === both &&
        Number.isFinite(figure(d)) &&
        !(q === "Categorical" && flatten(qArgs.p).includes(0)) &&
        JSON.stringify(qArgs) !== JSON.stringify(pArgs),
    );
    if (found === undefined) {
      expect(pairs.filter(({ q, p }) => `${q} ${p}` === both).map((x) => x.divergence)).toContain(
        "+inf",
      );
      return;
    }
    const g = new GraphBuilder();
    const q = movable(g, found.q, found.qArgs, "q");
    const p = movable(g, found.p, found.pArgs, "p");
    const to = shared(q.law, p.law);
    const node = divergence(g, q.law, to) ?? expectedLogDensity(g, q.law, to);
    if (node === undefined) throw new Error("no closed form");
    const inputs = { ...q.inputs, ...p.inputs };
    const point = { ...q.point, ...p.point };
    const slopes = gradient(g, node, Object.values(inputs));
    const run = (nodes: readonly Node[], at: Record<string, Float64Array>): Float64Array[] => {
      const used = new Set(inputsOf(nodes).map((n) => n.name));
      const given = Object.fromEntries(Object.entries(at).filter(([k]) => used.has(k)));
      const outputs = nodes.map((n, k) => ({ name: `${k}`, node: n }));
      const all = evaluateGraph({ inputs: inputsOf(nodes), outputs }, given);
      return nodes.map((_, k) => all[`${k}`]);
    };
    const exact = run(slopes, point);
    Object.keys(inputs).forEach((name, k) => {
      point[name].forEach((x, i) => {
        const h = 1e-5 * Math.max(1e-2, Math.abs(x));
        const moved = (d: number): number => {
          const next = Float64Array.from(point[name]);
          next[i] += d;
          // Covariances stay symmetric: what is read of them is their lower triangle.
          return run([node], { ...point, [name]: next })[0][0];
        };
        const slope = (moved(h) - moved(-h)) / (2 * h);
        // Central differences lose the value's rounding over h, and h² of the third derivative.
        const size = 1 + Math.abs(slope) + Math.abs(figure(found.divergence));
        expect(Math.abs(exact[k][i] - slope), `${name}[${i}]`).toBeLessThan(2e-6 * size);
      });
    });
  });
});

describe("vectors and their elements", () => {
  const mu = [0.4, -1, 2];
  const cov = [
    [2, 0.3, -0.4],
    [0.3, 1, 0.2],
    [-0.4, 0.2, 0.5],
  ];

  test("elements of a normal vector are normal", () => {
    const g = new GraphBuilder();
    const l = evaluate([g.cholesky(g.constant(Float64Array.from(cov.flat()), [3, 3]))], {})[0];
    const factor = [0, 1, 2].map((i) => [...l.subarray(3 * i, 3 * i + 3)]);
    const inverse = evaluate(
      [
        g.solve(
          g.constant(Float64Array.from(cov.flat()), [3, 3]),
          g.constant(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3]),
        ),
      ],
      {},
    )[0];
    const precision = [0, 1, 2].map((i) => [...inverse.subarray(3 * i, 3 * i + 3)]);
    const forms: readonly Args[] = [
      { mu, cov },
      { mu, cholesky: factor },
      { mu, precision },
    ];
    for (const args of forms) {
      const each = marginals(g, law(g, "MvNormal", args));
      const [m, s] = evaluate([each?.args.mu as Node, each?.args.sigma as Node], {});
      expect([...m]).toEqual(mu);
      s.forEach((x, i) => {
        expect(Math.abs(x - Math.sqrt(cov[i][i]))).toBeLessThan(1e-14);
      });
    }
  });

  test("shares of a Dirichlet are Beta", () => {
    const g = new GraphBuilder();
    const each = marginals(g, law(g, "Dirichlet", { alpha: [0.5, 2, 3] }));
    const [a, b] = evaluate([each?.args.a as Node, each?.args.b as Node], {});
    expect([...a]).toEqual([0.5, 2, 3]);
    expect([...b]).toEqual([5, 3.5, 2.5]);
  });

  test("independent elements in the density of a vector are a vector of no correlations", () => {
    const g = new GraphBuilder();
    const elements = law(g, "Normal", { mu: [0.1, 0.2, -1], sigma: [0.5, 2, 0.1] });
    const diagonal = [
      [0.25, 0, 0],
      [0, 4, 0],
      [0, 0, 0.01],
    ];
    const vector = law(g, "MvNormal", { mu: [0.1, 0.2, -1], cov: diagonal });
    const to = law(g, "MvNormal", { mu, cov });
    const found = value(expectedVectorDensity(g, elements, to));
    close(found, value(expectedLogDensity(g, vector, to)), 100);
  });
});
