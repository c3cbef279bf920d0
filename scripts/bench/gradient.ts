/**
 * Compiled log density with gradient against the best hand-written TypeScript f64 loop, in one run:
 * both are warmed, then timed in turns, in batches of about 0.1 ms (shorter than a scheduler's slice,
 * so that other processes disturb few of them). Figures are medians of the batches, and the fastest.
 * Prints JSON lines.
 */
import { compileKernels, createMemory, instantiate } from "../../src/device/cpu/compile.js";
import { gradient } from "../../src/passes/grad/index.js";
import { ConstantPool, lowerGraph } from "../../src/passes/lower/index.js";
import { simplify } from "../../src/passes/simplify/index.js";
import { GraphBuilder } from "../../src/tensor/builder.js";
import type { Graph, Node } from "../../src/tensor/ops.js";

interface Case {
  readonly name: string;
  readonly graph: Graph;
  /** Where it is evaluated. */
  readonly at: readonly number[];
  /** Writes the gradient and returns the log density (up to a constant). */
  readonly hand: (q: Float64Array, dq: Float64Array) => number;
  readonly calls: number;
}

const schoolsY = [28, 8, -3, 7, -1, 1, 18, 12];
const schoolsSigma = [15, 10, 16, 11, 9, 11, 10, 18];

/** Eight schools, non-centred, on q = (mu, log tau, z[8]); Normal(0, 5) and HalfCauchy(5). */
function eightSchools(): Case {
  const g = new GraphBuilder();
  const q = g.input("q", [10]);
  const number = (k: number): Node => g.reshape(g.slice(q, [k], [1]), []);
  const mu = number(0);
  const logTau = number(1);
  const z = g.slice(q, [2], [8]);
  const tau = g.exp(logTau);
  const inverse = g.constant(schoolsSigma.map((s) => 1 / s));
  const theta = g.add(mu, g.mul(tau, z));
  const r = g.mul(g.sub(g.constant(schoolsY), theta), inverse);
  const squares = g.add(g.sum(g.square(r)), g.sum(g.square(z)));
  const prior = g.sub(g.mul(-0.5, g.square(g.mul(mu, 0.2))), g.log1p(g.square(g.mul(tau, 0.2))));
  const lp = g.add(g.add(g.mul(-0.5, squares), prior), logTau);
  const y = Float64Array.from(schoolsY);
  const weight = Float64Array.from(schoolsSigma, (s) => 1 / s);
  const hand = (at: Float64Array, dq: Float64Array): number => {
    const m = at[0];
    const t = Math.exp(at[1]);
    let sum = 0;
    let dMu = -m * 0.04;
    let dTau = 0;
    for (let i = 0; i < 8; i++) {
      const zi = at[i + 2];
      const w = weight[i];
      const e = (y[i] - m - t * zi) * w;
      const dTheta = e * w;
      sum += e * e + zi * zi;
      dMu += dTheta;
      dTau += dTheta * zi;
      dq[i + 2] = dTheta * t - zi;
    }
    const u = t * t * 0.04;
    dq[0] = dMu;
    dq[1] = dTau * t + 1 - (2 * u) / (1 + u);
    return -0.5 * sum - 0.02 * m * m - Math.log1p(u) + at[1];
  };
  return {
    name: "eight schools",
    graph: withGradient(g, lp, q),
    // About the posterior's mean, so that exp and log1p take the paths that they take there.
    at: [4.4, 1.1, 0.4, 0.1, -0.1, 0.05, -0.2, -0.1, 0.4, 0.1],
    hand,
    calls: 1500,
  };
}

/** Bernoulli(sigmoid(X b)) with Normal(0, 1) coefficients. */
function logistic(n: number, d: number, calls: number): Case {
  // A fixed low-discrepancy design: values in (−1, 1).
  const x = Float64Array.from({ length: n * d }, (_, k) => (((k + 1) * 0.6180339887) % 1) * 2 - 1);
  const y = Float64Array.from({ length: n }, (_, k) =>
    ((k + 1) * 0.7548776662) % 1 < 0.5 ? 1 : 0,
  );
  const g = new GraphBuilder();
  const q = g.input("q", [d]);
  const eta = g.reshape(g.matmul(g.constant(x, [n, d]), g.reshape(q, [d, 1])), [n]);
  const likelihood = g.sub(g.sum(g.mul(g.constant(y), eta)), g.sum(g.softplus(eta)));
  const lp = g.add(likelihood, g.mul(-0.5, g.sum(g.square(q))));
  const hand = (at: Float64Array, dq: Float64Array): number => {
    let sum = 0;
    for (let j = 0; j < d; j++) {
      sum -= 0.5 * at[j] * at[j];
      dq[j] = -at[j];
    }
    for (let i = 0, row = 0; i < n; i++, row += d) {
      let e = 0;
      for (let j = 0; j < d; j++) e += x[row + j] * at[j];
      const t = Math.exp(-Math.abs(e));
      sum += y[i] * e - Math.max(e, 0) - Math.log1p(t);
      const r = y[i] - (e >= 0 ? 1 : t) / (1 + t);
      for (let j = 0; j < d; j++) dq[j] += x[row + j] * r;
    }
    return sum;
  };
  const at = Array.from({ length: d }, (_, k) => 0.3 * Math.sin(k + 1));
  return { name: `logistic ${n} x ${d}`, graph: withGradient(g, lp, q), at, hand, calls };
}

function withGradient(g: GraphBuilder, lp: Node, q: Node): Graph {
  const [dq] = gradient(g, lp, [q]);
  const outputs = [
    { name: "lp", node: lp },
    { name: "dq", node: dq },
  ];
  return simplify({ inputs: g.inputs, outputs });
}

function compile(graph: Graph, dimension: number) {
  const constants = new ConstantPool();
  const buffers = { inputs: { q: "q" }, outputs: { dq: "dq" } };
  const lowered = lowerGraph(graph, { name: "gradient", result: "lp", ...buffers, constants });
  const vector = (name: string) =>
    ({ name, element: "f64", length: dimension, region: "workspace" }) as const;
  const program = compileKernels({
    buffers: [...lowered.buffers, vector("q"), vector("dq")],
    functions: lowered.functions,
  });
  const instance = instantiate(program, createMemory(program, 1), 0);
  const [q, dq] = [instance.f64("q"), instance.f64("dq")];
  return { q, dq, call: instance.fn("gradient") };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** Microseconds per call. */
function time(calls: number, f: () => number): number {
  let sink = 0;
  const start = performance.now();
  for (let k = 0; k < calls; k++) sink += f();
  const elapsed = performance.now() - start;
  if (Number.isNaN(sink)) throw new Error("not a number");
  return (1000 * elapsed) / calls;
}

const BATCHES = 801;
const WARM_UP_MS = 300;

function run({ name, graph, at: point, hand, calls }: Case): void {
  const dimension = point.length;
  const { q, dq, call } = compile(graph, dimension);
  const at = Float64Array.from(point);
  const out = new Float64Array(dimension);
  q.set(at);
  const values = [call(), hand(at, out)];
  const worst = dq.reduce((max, v, k) => Math.max(max, Math.abs(v - out[k])), 0);
  const scale = out.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  if (!(Math.abs(values[0] - values[1]) < 1e-9 * Math.abs(values[1])) || !(worst < 1e-9 * scale)) {
    throw new Error(`${name}: ${values} differ, or gradients by ${worst}`);
  }
  const byHand = (): number => hand(at, out);
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) {
    time(calls, call);
    time(calls, byHand);
  }
  const compiled: number[] = [];
  const written: number[] = [];
  for (let k = 0; k < (calls === 1 ? BATCHES / 8 : BATCHES); k++) {
    compiled.push(time(calls, call));
    written.push(time(calls, byHand));
  }
  const figures = { compiled: summary(compiled), hand: summary(written) };
  const ratio = figures.compiled.median / figures.hand.median;
  const ratioOfFastest = figures.compiled.fastest / figures.hand.fastest;
  console.log(JSON.stringify({ name, unit: "us", ...figures, ratio, ratioOfFastest }, rounded));
}

function summary(times: readonly number[]) {
  return { median: median(times), fastest: Math.min(...times) };
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

for (const bench of [eightSchools(), logistic(1000, 10, 4), logistic(100000, 10, 1)]) run(bench);
