/**
 * A whole iteration of EM as one graph: statistics of the parameters, the pass over the data, and
 * every M-step as its maximiser given the sums, one after another as on the host (`em/m-step.ts`). A
 * device takes many iterations a call. Where an iteration cannot go on (the log likelihood stands
 * still or falls, a closed form does not hold, a scale has vanished) the state stays as it is, and
 * what to make of it is the host's.
 */
import { internalError } from "../../../base/internal.js";
import { SimplifyingBuilder, simplify } from "../../../passes/simplify/index.js";
import { GraphBuilder } from "../../../tensor/builder.js";
import type { Graph, InputNode, Node } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { graft, inputsOf } from "../../../tensor/transform.js";
import { names } from "../../ascent/compile.js";
import type { IterationLoop } from "../../ascent/pending.js";
import { type StagedKernels, stageNames } from "../../ascent/stage.js";
import type { Parameter, Watched } from "../m-step.js";
import { watchedOf } from "../m-step.js";
import type { NodeForm, NodeOutcome } from "../maximise/nodes.js";
import { all } from "../maximise/nodes.js";
import { BREAKDOWN } from "../run-limits.js";
import { jointLocations, type LocationSlope, MOST_LOCATIONS, slopeNode } from "./locations.js";
import { picked, statisticNode } from "./statistics.js";

/** Why a run goes on, or does not, after a step. */
export const phases = { running: 0, converged: 1, handed: 2, fell: 3 } as const;

/** Names of the loop's state and traces. */
export const loopNames = {
  value: (k: number): string => `value_${k}`,
  largest: (k: number): string => `largest_${k}`,
  /** Parts of the log likelihood before, and whether there are any. */
  before: "before",
  hasBefore: "has_before",
  phase: "phase",
  /** Relative change at which a run has converged. */
  tolerance: "tolerance",
  /** What adds up to the log likelihood of a step's parameters. */
  logLikelihood: "log_likelihood",
} as const;

/** Numbers of the log likelihood that come back from a step, which the host adds up in f64. */
const MOST_PARTS = 64;

/** The loop, and the M-step that stands in its way where there is none. */
export type Iteration =
  | { readonly kind: "loop"; readonly loop: IterationLoop; readonly isSingle: boolean }
  | { readonly kind: "host"; readonly name: string; readonly reason: string };

interface Maximised {
  readonly parameter: Parameter;
  readonly form: NodeForm;
  readonly watched: Watched | undefined;
}

/** Whole iterations of staged kernels; `parameters` in the order in which they are maximised. */
export function iterationOf(
  kernels: StagedKernels,
  parameters: readonly Parameter[],
  isSingle: boolean,
): Iteration {
  const stands = hostStep(parameters);
  if (stands !== undefined) return { kind: "host", ...stands };
  const list = parameters.map((parameter): Maximised => {
    const form = parameter.closed?.nodes ?? internalError(`${parameter.name} has no closed form`);
    return { parameter, form, watched: watchedOf(parameter) };
  });
  const step = (room: number) => stepOf(kernels, list, room, isSingle);
  return { kind: "loop", loop: { step }, isSingle };
}

/** The M-step that has no nodes, and why; undefined where devices take them all. */
export function hostStep(
  parameters: readonly Parameter[],
): { readonly name: string; readonly reason: string } | undefined {
  const locations = parameters.filter(isLocation);
  const scalars = locations.reduce((n, p) => n + p.coordinates.latent.length, 0);
  if (locations.length > 1 && scalars > MOST_LOCATIONS) {
    const reason = `it is solved together with other locations, ${scalars} numbers in all`;
    return { name: locations[0].name, reason };
  }
  const found = parameters.find((p) => p.closed?.nodes === undefined);
  if (found === undefined) return undefined;
  const how = found.closed?.name ?? "steps of L-BFGS";
  return { name: found.name, reason: `it is maximised by ${how}` };
}

/** Whether Q is quadratic in a parameter over all reals: several such are solved together. */
const isLocation = ({ closed, expected }: Parameter): boolean =>
  closed?.solve !== undefined && expected.direct.supports.every((s) => s.kind === "real");

function stepOf(
  kernels: StagedKernels,
  list: readonly Maximised[],
  room: number,
  isSingle: boolean,
): ReturnType<IterationLoop["step"]> {
  const pass = kernels.graphs.expect(room);
  const before = beforePass(kernels, list);
  const after = afterPass(kernels, list, isSingle);
  const g = new GraphBuilder();
  const values = list.map(({ parameter: p }, k) => {
    return g.input(loopNames.value(k), [p.coordinates.latent.length]);
  });
  const largest = list.map(({ watched }, k) => {
    return watched && g.input(loopNames.largest(k), [watched.scalars.length]);
  });
  const entered = within(g, before, new Map(before.inputs.map((n, k) => [n, values[k]])));
  // Some of its inputs are not read.
  const read = inputsOf(pass.outputs.map((o) => o.node));
  const passed = within(g, pass, new Map(read.map((n) => [n, nodeOf(entered, n.name)])));
  const parts = partsOf(g, nodeOf(passed, stageNames.logSum), nodeOf(entered, TERMS));
  const given = new Map<Node, Node>();
  after.inputs.forEach((n) => {
    const k = list.findIndex((_, i) => loopNames.value(i) === n.name);
    given.set(n, k < 0 ? nodeOf(passed, n.name) : values[k]);
  });
  const made = within(g, after, given);
  const reached = list.map(({ watched }, k) => {
    const now = watched && picked(g, nodeOf(made, loopNames.value(k)), watched.scalars);
    return now && g.max(largest[k] ?? internalError("nothing was watched"), now);
  });
  const holds = list.flatMap(({ watched }, k): Node[] => {
    const formHolds = g.gt(nodeOf(made, holdsName(k)), 0.5);
    const most = reached[k];
    if (watched === undefined || most === undefined) return [formHolds];
    const now = picked(g, nodeOf(made, loopNames.value(k)), watched.scalars);
    return [formHolds, all(g, g.gt(now, g.mul(most, watched.limit)))];
  });

  const last = g.input(loopNames.before, parts.shape);
  const hasLast = g.input(loopNames.hasBefore, []);
  const phase = g.input(loopNames.phase, []);
  const tolerance = g.input(loopNames.tolerance, []);
  const total = g.sum(parts);
  // Of differences of parts single precision keeps more digits than of the sums' difference.
  const gain = g.sum(g.sub(parts, last));
  const scale = g.max(g.abs(total), 1);
  const known = g.gt(hasLast, 0.5);
  const hasConverged = g.and(known, g.le(g.abs(gain), g.mul(tolerance, scale)));
  const hasFallen = g.and(known, g.lt(gain, g.mul(scale, -BREAKDOWN)));
  const isDone = holds.reduce((x, y) => g.and(x, y));
  const next = firstOf(g, phases.running, [
    [g.not(g.lt(g.abs(total), Infinity)), phases.handed],
    [hasFallen, phases.fell],
    [hasConverged, phases.converged],
    [g.not(isDone), phases.handed],
  ]);
  const runs = g.eq(phase, phases.running);
  const ended = g.select(runs, next, phase);
  const advances = g.and(runs, g.eq(next, phases.running));
  const moved = (from: Node, to: Node): Node =>
    g.select(g.broadcast(advances, from.shape), to, from);
  const outputs: { name: string; node: Node }[] = [];
  const state: Record<string, string> = {};
  const change = (input: Node, to: Node): void => {
    const { name } = input as InputNode;
    outputs.push({ name: `next_${name}`, node: to });
    state[name] = `next_${name}`;
  };
  values.forEach((v, k) => {
    change(v, moved(v, nodeOf(made, loopNames.value(k))));
    const [was, now] = [largest[k], reached[k]];
    if (was !== undefined && now !== undefined) change(was, moved(was, now));
  });
  change(last, moved(last, parts));
  change(hasLast, g.select(advances, 1, hasLast));
  change(phase, ended);
  outputs.push({ name: loopNames.logLikelihood, node: shortened(g, parts) });
  return {
    graph: { inputs: g.inputs, outputs },
    state,
    trace: [loopNames.logLikelihood, state[loopNames.phase]],
  };
}

/** The first of some that holds, or else. */
function firstOf(g: GraphBuilder, other: number, list: readonly (readonly [Node, number])[]): Node {
  return [...list]
    .reverse()
    .reduce<Node>((rest, [holds, value]) => g.select(holds, value, rest), g.constant(other));
}

const TERMS = "terms";
const holdsName = (k: number): string => `holds_${k}`;

/** Parameters → what the pass reads, and the terms without discrete sites. */
function beforePass({ stages, inputs }: StagedKernels, list: readonly Maximised[]): Graph {
  const g = new SimplifyingBuilder();
  const statistics = new Map<string, Node>();
  const values = list.map(({ parameter: p }, k) => {
    const v = g.input(loopNames.value(k), [p.coordinates.latent.length]);
    write(g, statistics, p, v);
    return v;
  });
  const at = replacement(g, stages, statistics);
  const [terms, ...entries] = graft(g, [stages.terms, ...stages.entries], at);
  const outputs = entries.map((node, j) => ({ name: inputs[j].name, node }));
  const found = simplify({ inputs: values, outputs: [...outputs, { name: TERMS, node: terms }] });
  return found;
}

/** Parameters and sums → the next parameters, and whether each form holds (1, else 0). */
function afterPass(kernels: StagedKernels, list: readonly Maximised[], isSingle: boolean): Graph {
  const { stages } = kernels;
  const g = new SimplifyingBuilder();
  const statistics = new Map<string, Node>();
  const values = list.map(({ parameter: p }, k) => {
    const v = g.input(loopNames.value(k), [p.coordinates.latent.length]);
    write(g, statistics, p, v);
    return v;
  });
  const sums = stages.sums.map((n, j) => g.input(stageNames.sum(j), n.shape));
  const joint = list.flatMap(({ parameter }, k) => (isLocation(parameter) ? [k] : []));
  const together = new Map<number, NodeOutcome>();
  if (joint.length > 1) {
    const given = new Map<string, Node>();
    for (const n of [...values, ...sums]) if (n.op === "input") given.set(n.name, n);
    const { value, holds } = jointLocations(g, slopeOf(kernels, list, joint), given, isSingle);
    let from = 0;
    for (const k of joint) {
      const { length } = list[k].parameter.coordinates.latent;
      together.set(k, { value: g.slice(value, [from], [length]), holds });
      from += length;
    }
    for (const [k, { value: own }] of together) write(g, statistics, list[k].parameter, own);
  }
  const outputs = list.flatMap(({ parameter: p, form }, k) => {
    const at = replacement(g, stages, statistics);
    stages.sums.forEach((n, j) => {
      at.set(n, sums[j]);
    });
    const eta = graft(g, stages.naturals[p.site], at);
    const { value, holds } = together.get(k) ?? form(g, eta, values[k]);
    write(g, statistics, p, value);
    const node = g.select(holds, 1, g.constant(0));
    return [
      { name: loopNames.value(k), node: value },
      { name: holdsName(k), node },
    ];
  });
  return simplify({ inputs: [...values, ...sums], outputs });
}

/** The gradient of Q in some locations, one after another, over their values `x`. */
function slopeOf(
  { stages }: StagedKernels,
  list: readonly Maximised[],
  joint: readonly number[],
): LocationSlope {
  const g = new SimplifyingBuilder();
  const statistics = new Map<string, Node>();
  const inputs: Node[] = [];
  const lengths = list.map(({ parameter: p }) => p.coordinates.latent.length);
  const x = g.input("x", [joint.reduce((n, k) => n + lengths[k], 0)]);
  let from = 0;
  const values = list.map(({ parameter: p }, k) => {
    const isOwn = joint.includes(k);
    const v = isOwn ? g.slice(x, [from], [lengths[k]]) : g.input(loopNames.value(k), [lengths[k]]);
    if (isOwn) from += lengths[k];
    else inputs.push(v);
    write(g, statistics, p, v);
    return v;
  });
  const at = replacement(g, stages, statistics);
  stages.sums.forEach((n, j) => {
    const sum = g.input(stageNames.sum(j), n.shape);
    inputs.push(sum);
    at.set(n, sum);
  });
  const slopes = joint.map((k) => {
    const { parameter: p } = list[k];
    if (p.expected.kind === "point") return internalError("a point among staged parameters");
    const eta = graft(g, stages.naturals[p.site], at);
    return p.expected.statistics
      .map(({ statistic }, j) => slopeNode(g, statistic, eta[j], values[k]))
      .reduce((a, b) => g.add(a, b));
  });
  const own = [x, ...inputs].filter((n): n is InputNode => n.op === "input");
  return { inputs: own, outputs: [{ name: "slope", node: g.concat(slopes, 0) }] };
}

/** The statistics of a parameter at a value. */
function write(
  g: GraphBuilder,
  to: Map<string, Node>,
  { site, expected, side }: Parameter,
  v: Node,
): void {
  if (expected.kind === "point") internalError("a point among staged parameters");
  expected.statistics.forEach(({ statistic }, j) => {
    to.set(names.statistic(site, j), statisticNode(g, statistic, v, side));
  });
}

/** What stands for the stages' inputs: statistics, and data as they are. */
function replacement(
  g: GraphBuilder,
  { statistics, data }: StagedKernels["stages"],
  at: ReadonlyMap<string, Node>,
): Map<Node, Node> {
  const found = new Map<Node, Node>();
  for (const n of statistics) {
    found.set(n, at.get(n.name) ?? internalError(`${n.name} is of no parameter`));
  }
  for (const [input, n] of data) found.set(input, g.constant(n.data, n.shape, n.dtype));
  return found;
}

/** A graph's outputs by name, its inputs replaced. */
function within(
  g: GraphBuilder,
  graph: Graph,
  inputs: ReadonlyMap<Node, Node>,
): ReadonlyMap<string, Node> {
  const nodes = graft(
    g,
    graph.outputs.map((o) => o.node),
    inputs,
  );
  return new Map(graph.outputs.map((o, k) => [o.name, nodes[k]]));
}

const nodeOf = (found: ReadonlyMap<string, Node>, name: string): Node =>
  found.get(name) ?? internalError(`no output ${name}`);

/** Numbers that add up to the log likelihood. */
function partsOf(g: GraphBuilder, logSum: Node, terms: Node): Node {
  return g.concat([g.reshape(logSum, [sizeOf(logSum.shape)]), g.reshape(terms, [1])], 0);
}

/** Few numbers with the same sum. */
function shortened(g: GraphBuilder, parts: Node): Node {
  const [length] = parts.shape;
  const width = Math.floor(length / MOST_PARTS);
  if (width < 2) return parts;
  const main = g.slice(parts, [0], [MOST_PARTS * width]);
  const sums = g.sum(g.reshape(main, [MOST_PARTS, width]), [1]);
  const left = length - MOST_PARTS * width;
  if (left === 0) return sums;
  return g.concat([sums, g.slice(parts, [MOST_PARTS * width], [left])], 0);
}
