/** NUTS of many chains as one program: its trees against the recursion of reference.ts. */
import { describe, expect, test } from "vitest";
import type { GraphProgram } from "../../../src/device/contract.js";
import { compileKernels, createMemory, instantiate } from "../../../src/device/cpu/index.js";
import { BOXED, controlOf, manyTrees } from "../../../src/inference/nuts/many.js";
import {
  type ReferenceDraw,
  ReferenceRandom,
  referenceTransition,
} from "../../../src/inference/nuts/reference.js";
import { cholesky } from "../../../src/math/linalg/index.js";
import { philoxKey, stream } from "../../../src/math/rng/index.js";
import { compileDensity } from "../../../src/run/compile.js";
import { openCpuGraphs } from "../../../src/run/device/cpu-graphs.js";
import type { Graph } from "../../../src/tensor/ops.js";
import { sizeOf } from "../../../src/tensor/shape-rules.js";
import { exampleJob, type Job, jobOf } from "./fixtures.js";

type LpGrad = (q: readonly number[]) => { readonly lp: number; readonly grad: readonly number[] };

/** The density as a graph, and as a function of a point. */
function densityOf({ run }: Job): { readonly density: Graph; readonly lpGrad: LpGrad } {
  let density: Graph | undefined;
  const { kernels } = compileDensity(run.conditioned, {
    methodName: "nuts",
    record: (stage, graph) => {
      if (stage === "grad") density = graph;
    },
  });
  if (density === undefined) throw new Error("no density");
  const program = compileKernels(kernels);
  const instance = instantiate(program, createMemory(program, 1), 0);
  const lpGrad: LpGrad = (q) => {
    instance.f64("q").set(q);
    const lp = instance.call("lp_grad");
    return { lp, grad: [...instance.f64("grad")] };
  };
  return { density, lpGrad };
}

const normal = `
model m(K: int) {
  for i in 0..K { x[i] ~ Normal(0, 1) }
}`;
const funnel = `
model m() {
  v ~ Normal(0, 3)
  for i in 0..5 { x[i] ~ Normal(0, exp(v / 2)) }
}`;
const banana = `
model m() {
  x ~ Normal(0, 10)
  y ~ Normal(0.03 * (x ^ 2 - 100), 1)
}`;

interface Case {
  readonly name: string;
  readonly job: () => Job;
  readonly metric: "diag" | "dense";
  readonly epsilon: number;
  readonly maxDepth?: number;
  readonly joins: number;
}
const cases: readonly Case[] = [
  {
    name: "one dimension",
    job: () => jobOf(normal, { K: 1 }),
    metric: "diag",
    epsilon: 0.3,
    joins: 1,
  },
  {
    name: "ten dimensions",
    job: () => jobOf(normal, { K: 10 }),
    metric: "diag",
    epsilon: 0.5,
    joins: 2,
  },
  {
    name: "odd, dense",
    job: () => jobOf(normal, { K: 7 }),
    metric: "dense",
    epsilon: 0.4,
    joins: 2,
  },
  {
    name: "deep trees",
    job: () => jobOf(normal, { K: 2 }),
    metric: "diag",
    epsilon: 0.02,
    joins: 3,
  },
  {
    name: "deep trees, all joins at once",
    job: () => jobOf(normal, { K: 2 }),
    metric: "diag",
    epsilon: 0.02,
    joins: 10,
  },
  {
    name: "depth limit",
    job: () => jobOf(normal, { K: 3 }),
    metric: "diag",
    epsilon: 0.001,
    maxDepth: 5,
    joins: 1,
  },
  {
    name: "trees of one leaf",
    job: () => jobOf(normal, { K: 3 }),
    metric: "diag",
    epsilon: 0.5,
    maxDepth: 1,
    joins: 1,
  },
  {
    name: "trees of up to three leaves",
    job: () => jobOf(normal, { K: 3 }),
    metric: "diag",
    epsilon: 0.1,
    maxDepth: 2,
    joins: 2,
  },
  {
    name: "unstable steps diverge",
    job: () => jobOf(funnel, {}),
    metric: "diag",
    epsilon: 1.7,
    joins: 2,
  },
  { name: "banana", job: () => jobOf(banana, {}), metric: "dense", epsilon: 0.35, joins: 2 },
  {
    name: "eight schools",
    job: () => exampleJob("eight_schools"),
    metric: "diag",
    epsilon: 0.35,
    joins: 2,
  },
];

/** L⁻ᵀ z for a lower L. */
function solveTransposed(l: Float64Array, z: readonly number[]): number[] {
  const d = z.length;
  const x = [...z];
  for (let i = d - 1; i >= 0; i--) {
    for (let j = i + 1; j < d; j++) x[i] -= l[j * d + i] * x[j];
    x[i] /= l[i * d + i];
  }
  return x;
}

interface Drawn extends Omit<ReferenceDraw, "q"> {
  readonly q: readonly number[];
  /** Where the density was taken, in order. */
  readonly visited: readonly (readonly number[])[];
}

const CHAINS = 3;
const TRANSITIONS = 20;
const SEED = 7;

describe("each chain's trees are the recursion's", () => {
  for (const { name, job, metric, epsilon, maxDepth = 10, joins } of cases) {
    test(name, async () => {
      const { density, lpGrad } = densityOf(job());
      const [d] = density.inputs[0].shape;
      const random = stream(11, 0, 0, 0);
      const starts = Array.from({ length: CHAINS }, () =>
        Array.from({ length: d }, () => 0.7 * random.normal()),
      );
      const scales = Array.from({ length: d }, (_, i) => 0.5 + 0.25 * (i % 4));
      const inverse = new Float64Array(d * d);
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) {
          inverse[i * d + j] = i === j ? scales[i] : 0.2 / (1 + Math.abs(i - j));
        }
      }
      const factor = cholesky(inverse, d) ?? new Float64Array();

      const expected: Drawn[][] = [];
      for (const [chain, start] of starts.entries()) {
        let q: readonly number[] = start;
        const own: Drawn[] = [];
        for (let t = 0; t < TRANSITIONS; t++) {
          const visited: (readonly number[])[] = [];
          const model = {
            lpGrad: (at: readonly number[]) => {
              visited.push(at);
              return lpGrad(at);
            },
            inverse: (v: readonly number[]) =>
              metric === "diag"
                ? v.map((x, i) => x * scales[i])
                : v.map((_, i) => v.reduce((sum, x, j) => sum + inverse[i * d + j] * x, 0)),
            momentum: (z: readonly number[]) =>
              metric === "diag"
                ? z.map((x, i) => x / Math.sqrt(scales[i]))
                : solveTransposed(factor, z),
          };
          const key = new ReferenceRandom(philoxKey(SEED), chain, t);
          const drawn = referenceTransition(model, q, epsilon, maxDepth, key);
          // The first point is the start, which many chains know.
          own.push({ ...drawn, visited: visited.slice(1) });
          q = drawn.q;
        }
        expected.push(own);
      }

      const shape = { chains: CHAINS, metric, maxDepth, box: TRANSITIONS, joins };
      const { graph, state } = manyTrees(density, shape);
      const program = await openCpuGraphs().compileGraph(graph);
      const values: Record<string, Float64Array> = Object.fromEntries(
        graph.inputs.map((n) => [n.name, new Float64Array(sizeOf(n.shape))]),
      );
      values.nuts_factor = metric === "diag" ? Float64Array.from(scales, Math.sqrt) : factor;
      values.nuts_control = controlOf({
        stepSize: epsilon,
        depth: maxDepth,
        thin: 1,
        limit: TRANSITIONS,
        keeps: true,
      });
      values.fresh.fill(1);
      for (const [c, start] of starts.entries()) {
        const { lp, grad } = lpGrad(start);
        values.sample_q.set(start, c * d);
        values.sample_grad.set(grad, c * d);
        values.sample_lp[c] = lp;
      }
      const visited = await drive(program, values, state, d);

      let [deepest, divergences] = [0, 0];
      const width = d + BOXED.length;
      expected.forEach((own, c) => {
        // The same states in the same order: trees of the same sizes, in the same directions.
        const all = own.flatMap((t) => t.visited);
        expect(visited[c].length).toBe(all.length);
        all.forEach((at, k) => {
          at.forEach((x, i) => {
            // Sums in another order, amplified by the dynamics over up to 2¹⁰ steps.
            const error = Math.abs(visited[c][k][i] - x);
            if (!(error <= 1e-7 * (1 + Math.abs(x)))) expect(visited[c][k][i]).toBe(x);
          });
        });
        own.forEach((drawn, t) => {
          const row = values.box.subarray(
            (c * TRANSITIONS + t) * width,
            (c * TRANSITIONS + t + 1) * width,
          );
          const of = (s: (typeof BOXED)[number]) => row[d + BOXED.indexOf(s)];
          const what = `chain ${c}, transition ${t}`;
          expect(of("treedepth"), what).toBe(drawn.treeDepth);
          expect(of("n_leapfrog"), what).toBe(drawn.leapfrogs);
          expect(of("divergent"), what).toBe(drawn.divergent ? 1 : 0);
          drawn.q.forEach((x, i) => {
            expect(Math.abs(row[i] - x), what).toBeLessThan(1e-7 * (1 + Math.abs(x)));
          });
          expect(of("accept_stat"), what).toBeCloseTo(drawn.acceptStat, 7);
          expect(of("lp"), what).toBeCloseTo(drawn.lp, 6);
          expect(of("energy"), what).toBeCloseTo(drawn.energy, 6);
          deepest = Math.max(deepest, drawn.treeDepth);
          divergences += drawn.divergent ? 1 : 0;
        });
      });
      expect([...values.count]).toEqual(starts.map(() => TRANSITIONS));
      // The cases reach what their names say.
      if (name.startsWith("deep")) expect(deepest).toBeGreaterThanOrEqual(7);
      if (name.includes("limit") || name.startsWith("trees")) expect(deepest).toBe(maxDepth);
      if (name.includes("diverge")) expect(divergences).toBeGreaterThan(5);
      program.close();
    });
  }
});

/**
 * Passes until all chains have made their transitions, with the numbers that the recursion takes at
 * the same places; the points that each chain moved to.
 */
async function drive(
  program: GraphProgram,
  values: Record<string, Float64Array>,
  state: Readonly<Record<string, string>>,
  d: number,
): Promise<number[][][]> {
  const visited: number[][][] = Array.from({ length: CHAINS }, () => []);
  for (let pass = 0; ; pass++) {
    if (values.count.every((n) => n === TRANSITIONS)) return visited;
    if (pass > 1e5) throw new Error("no end");
    const moves: boolean[] = [];
    for (let c = 0; c < CHAINS; c++) {
      const isFresh = values.fresh[c] === 1;
      const random = new ReferenceRandom(philoxKey(SEED), c, values.count[c]);
      const depth = isFresh ? 0 : values.depth[c];
      for (let i = 0; i < d; i++) values.nuts_normals[c * d + i] = random.normal(i);
      values.nuts_leaf[c] = random.leaf(isFresh ? 0 : values.leapfrogs[c]);
      values.nuts_tree[c] = random.forward(depth) ? 0.25 : 0.75;
      values.nuts_tree[CHAINS + c] = random.doubling(depth);
      moves.push(values.count[c] < TRANSITIONS && values.joined[c] === 0);
    }
    const found = await program.run(values);
    for (const [input, output] of Object.entries(state)) values[input] = found[output];
    moves.forEach((isMove, c) => {
      if (isMove) visited[c].push([...values.q.subarray(c * d, (c + 1) * d)]);
    });
  }
}
