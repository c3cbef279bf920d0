/** First and second derivatives of log densities in the values of a draw, or of the data. */
import type { Evaluation, Objective } from "../../model/objective.js";
import { gradient } from "../../passes/grad/index.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { substitute } from "../../tensor/transform.js";
import type { Program } from "./conditioned-program.js";
import type { NoiseInput } from "./contract.js";
import { type Builder, dataNode, evaluateTerms, sumPerCopy, type Trace } from "./programs.js";

interface Slopes {
  /** ∂ log density / ∂ values, site by site. */
  readonly slopes: readonly Node[];
  /** Inputs in the place of the values: nothing else may pass the gradient. */
  readonly places: readonly InputNode[];
  readonly sites: readonly string[];
  readonly values: ReadonlyMap<Node, Node>;
}

function slopesOf(b: Builder, program: Program, trace: Trace, e: Evaluation): Slopes {
  const { g } = b;
  const known = e.draw === undefined ? dataOf(b, program) : trace.values;
  const values = new Map<Node, Node>();
  const all = new Map<string, Node>();
  const places: InputNode[] = [];
  const sites: string[] = [];
  for (const [name, node] of known) {
    if (node.dtype !== "real") {
      all.set(name, node);
      continue;
    }
    const place = g.input(`${e.name}:${name}`, node.shape);
    values.set(place, node);
    g.stand(place, node);
    all.set(name, place);
    places.push(place);
    sites.push(name);
  }
  const terms = evaluateTerms(b, program, { ...trace, values: all }, e.frozen);
  // Each row of the data stands for itself, also where a minibatch is taken.
  const plain = e.draw === undefined ? terms.map((t) => ({ ...t, scale: 1 })) : terms;
  const total = g.sum(sumPerCopy(b, plain, trace.copies));
  return { slopes: gradient(g, total, places), places, sites, values };
}

/** The sites whose values the data give. */
function dataOf(b: Builder, program: Program): ReadonlyMap<string, Node> {
  const { model, observed } = program.conditioned;
  const found = new Map<string, Node>();
  for (const v of model.variables) {
    const value = observed.get(v.name);
    if (v.role !== "site" || value === undefined || value.missing !== undefined) continue;
    found.set(v.name, dataNode(b, program, v.name, v.type.scalar));
  }
  return found;
}

/** ∂ log density / ∂ values, as one vector for each copy. */
export function scoreOf(b: Builder, program: Program, trace: Trace, e: Evaluation): Node {
  const { g } = b;
  const { slopes, values } = slopesOf(b, program, trace, e);
  const counts = trace.copies.loops.map((l) => l.count);
  const flat = slopes.map((d) => {
    const rest = d.shape.slice(counts.length).reduce((n, s) => n * s, 1);
    return g.reshape(d, [...counts, rest]);
  });
  if (flat.length === 0) return g.zeros([...counts, 0]);
  const joined = flat.length === 1 ? flat[0] : g.concat(flat, counts.length);
  return substitute(g, [joined], values)[0];
}

/**
 * vᵀ H v of the Hessian H of the log density in the values, for each copy, with v of random signs: an
 * unbiased estimate of the trace of H, without noise where H is diagonal (Hutchinson 1990).
 */
export function laplacianOf(
  b: Builder & { readonly objective: Objective },
  program: Program,
  trace: Trace,
  e: Evaluation,
): Node {
  const { g } = b;
  const { slopes, places, sites, values } = slopesOf(b, program, trace, e);
  const counts = trace.copies.loops.map((l) => l.count);
  const number = b.objective.evaluations.findIndex((x) => x.name === e.name);
  const signs = places.map((place, k) => {
    const name = `${e.draw ?? "data"}.signs.${number}.${sites[k]}`;
    const input: NoiseInput = { name, law: "uniform", dims: place.shape };
    if (!b.noise.some((n) => n.name === name)) b.noise.push(input);
    const u = g.input(name, place.shape);
    return g.select(g.lt(u, 0.5), g.full(place.shape, -1, "real"), g.full(place.shape, 1, "real"));
  });
  // The copies have no part of each other's Hessian.
  const along = slopes.reduce<Node>(
    (sum, d, k) => g.add(sum, g.sum(g.mul(d, signs[k]))),
    g.constant(0),
  );
  const start = counts.length === 0 ? g.constant(0) : g.zeros(counts);
  const curved = gradient(g, along, places).reduce<Node>((sum, d, k) => {
    const axes = d.shape.map((_, i) => i).slice(counts.length);
    const product = g.mul(d, signs[k]);
    return g.add(sum, axes.length === 0 ? product : g.reduce("sum", product, axes));
  }, start);
  return substitute(g, [curved], values)[0];
}
