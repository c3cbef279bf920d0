/**
 * A step of stochastic gradient ascent as a graph, for `compileLoop`: what
 * src/inference/stochastic/adam.ts does as a kernel. Adam: Kingma & Ba (2015), algorithm 1,
 * ascending; averages: Polyak & Juditsky (1992).
 */
import { internalError } from "../base/internal.js";
import { simplify } from "../passes/simplify/index.js";
import { GraphBuilder } from "../tensor/builder.js";
import type { Graph, InputNode, Node } from "../tensor/ops.js";
import { substitute } from "../tensor/transform.js";

/** Values of the input `opt_settings`, in this order; see `optimiserSettings`. */
export interface OptimiserSettings {
  /** Step size. */
  readonly rate: number;
  /** Largest Euclidean norm of a gradient; longer ones are shortened. 0: none is. */
  readonly clip: number;
  /** Whether iterates are averaged into `opt_average`. */
  readonly averaging: boolean;
  readonly beta1: number;
  readonly beta2: number;
}

/**
 * The settings as numbers. 1 − βᵗ comes from log β: differences of numbers next to 1 would lose
 * half of single precision's digits.
 */
export function optimiserSettings(s: OptimiserSettings): Float64Array {
  const logs = [Math.log(s.beta1), Math.log(s.beta2)];
  const flags = [s.rate, s.clip, s.averaging ? 1 : 0];
  return Float64Array.from([...flags, s.beta1, s.beta2, 1 - s.beta1, 1 - s.beta2, ...logs]);
}
const SETTINGS = 9;
const EPSILON = 1e-8;

export interface OptimiserGraph {
  readonly graph: Graph;
  readonly state: Readonly<Record<string, string>>;
  /**
   * Outputs worth tracing: the objective; 1 for each step that was taken; the number of elements
   * from the first one on whose gradient is not finite to the last of all, 0 where all are.
   */
  readonly trace: readonly ["opt_value", "opt_taken", "opt_bad"];
}

/**
 * Wraps a graph of an objective with its gradient. Adds the inputs `opt_settings` and the state
 * `opt_first`, `opt_second`, `opt_average`, `opt_before` (the params before the last update),
 * `opt_counts` (steps, averaged steps, 1 once stopped). From a step whose objective or gradient is
 * not finite on, nothing changes any more. Further `state` of the objective stays beside it. With
 * the rule `sgd` a step is one of heavy-ball momentum (Polyak 1964).
 */
export function adamGraph(
  objective: Graph,
  names: {
    readonly value: string;
    readonly gradient: string;
    readonly params: string;
    readonly rule?: "adam" | "sgd";
    readonly state?: Readonly<Record<string, string>>;
    /** An output with other values of the params where `mask` is 1: those that no gradient moves. */
    readonly written?: { readonly output: string; readonly mask: Float64Array };
  },
): OptimiserGraph {
  const g = new GraphBuilder();
  const outputOf = (name: string): Node =>
    objective.outputs.find((o) => o.name === name)?.node ?? internalError(`no output ${name}`);
  const own = new Map<Node, InputNode>(
    objective.inputs.map((n) => [n, g.input(n.name, n.shape, n.dtype)]),
  );
  const carried = Object.entries(names.state ?? {});
  const { written } = names;
  const [value, gradient, ...others] = substitute(
    g,
    [
      names.value,
      names.gradient,
      ...carried.map(([, output]) => output),
      ...(written === undefined ? [] : [written.output]),
    ].map(outputOf),
    own,
  );
  const carriedNext = others.slice(0, carried.length);
  const params =
    [...own.values()].find((n) => n.name === names.params) ?? internalError("no parameters");
  const { shape } = params;
  const settings = g.input("opt_settings", [SETTINGS]);
  const [first, second, average] = ["opt_first", "opt_second", "opt_average"].map((name) =>
    g.input(name, shape),
  );
  const before = g.input("opt_before", shape);
  const counts = g.input("opt_counts", [3]);
  const scalar = (x: Node, k: number): Node => g.reshape(g.slice(x, [k], [1]), []);
  const [rate, clip, averaging, beta1, beta2, rest1, rest2, log1, log2] = Array.from(
    { length: SETTINGS },
    (_, k) => scalar(settings, k),
  );
  const over = (x: Node): Node => g.broadcast(x, shape);

  const flat = g.reshape(gradient, [shape.reduce((a, b) => a * b, 1)]);
  // By the largest element: squares of large gradients would overflow.
  const largest = g.max(g.reduce("max", g.abs(flat), [0]), 1e-30);
  const norm = g.mul(largest, g.sqrt(g.sum(g.square(g.div(flat, largest)))));
  const finite = g.and(
    g.lt(g.abs(value), g.constant(Number.POSITIVE_INFINITY)),
    g.lt(norm, g.constant(Number.POSITIVE_INFINITY)),
  );
  const taken = g.and(finite, g.eq(scalar(counts, 2), 0));
  const isLong = g.and(g.lt(0, clip), g.lt(clip, norm));
  const scaled = g.mul(gradient, over(g.select(isLong, g.div(clip, norm), 1)));
  const isAdam = names.rule !== "sgd";
  const moved = g.add(g.mul(over(beta1), first), isAdam ? g.mul(over(rest1), scaled) : scaled);
  const speed = g.add(g.mul(over(beta2), second), g.mul(over(rest2), g.square(scaled)));
  const steps = g.add(scalar(counts, 0), 1);
  const share = (log: Node): Node => g.neg(g.expm1(g.mul(steps, log)));
  const top = g.mul(over(isAdam ? g.div(rate, share(log1)) : rate), moved);
  const root = g.sqrt(g.div(speed, over(share(log2))));
  const climbed = g.add(params, isAdam ? g.div(top, g.add(root, EPSILON)) : top);
  // Steps of size 0 are no steps: estimates are made by them.
  const isWritten = written && g.and(g.ne(g.constant(written.mask, shape), 0), over(g.ne(rate, 0)));
  const next =
    isWritten === undefined ? climbed : g.select(isWritten, others[carried.length], climbed);
  const averaged = g.add(scalar(counts, 1), averaging);
  // A running mean: a sum would lose digits as it grows.
  const mean = g.add(average, g.div(g.sub(next, average), over(g.max(averaged, 1))));
  const keep = (now: Node, then: Node): Node =>
    g.select(now.shape.length === 0 ? taken : g.broadcast(taken, now.shape), then, now);
  const isAveraging = g.and(taken, g.ne(averaging, 0));
  const [length] = flat.shape;
  const isBad = g.not(g.lt(g.abs(flat), g.full([length], Number.POSITIVE_INFINITY)));
  const fromHere = g.sub(g.full([length], length), g.iota(length));
  const bad = g.select(isBad, fromHere, g.zeros([length]));
  const outputs = {
    opt_value: value,
    opt_taken: taken,
    opt_bad: g.reduce("max", g.concat([g.zeros([1]), bad], 0), [0]),
    next_params: keep(params, next),
    next_first: keep(first, moved),
    next_second: keep(second, speed),
    next_before: keep(before, params),
    next_average: g.select(over(isAveraging), mean, average),
    next_counts: g.stack([
      keep(scalar(counts, 0), steps),
      keep(scalar(counts, 1), averaged),
      g.select(taken, 0, 1),
    ]),
    ...Object.fromEntries(carried.map(([, output], k) => [output, carriedNext[k]])),
  };
  const graph = simplify({
    inputs: [...own.values(), settings, first, second, average, before, counts],
    outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
  });
  return {
    graph,
    trace: ["opt_value", "opt_taken", "opt_bad"],
    state: {
      [names.params]: "next_params",
      opt_first: "next_first",
      opt_second: "next_second",
      opt_average: "next_average",
      opt_before: "next_before",
      opt_counts: "next_counts",
      ...names.state,
    },
  };
}
