/**
 * An objective with its programs and data as one tensor graph: the value at parameters and noise,
 * and an unbiased estimate of the gradient of its expectation.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { DataSet } from "../../model/data.js";
import type { Expr } from "../../model/ir.js";
import type { Evaluation, Objective } from "../../model/objective.js";
import { evaluationSize } from "../../model/objective.js";
import { type Conditioned, condition } from "../../passes/condition/index.js";
import { gradient } from "../../passes/grad/index.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { inputsOf, substitute } from "../../tensor/transform.js";
import { emptyContext } from "../logjoint/context.js";
import { startLowering } from "../logjoint/index.js";
import type {
  NoiseInput,
  ObjectiveGraph,
  ParamSlot,
  ProgramBinding,
  StateSlot,
} from "./contract.js";
import { bindEstimates, withProposals } from "./estimate-binding.js";
import {
  drawProgram,
  type EstimatedDraws,
  estimatedTerms,
  evaluateEstimated,
  noEstimatedDraws,
  refuseNatural,
  visible,
} from "./estimated-draws.js";
import { type ExactPlan, expectedTerms, planExact } from "./exact.js";
import { initialTheta, type ParamOwner } from "./initial.js";
import { linearFactors } from "./linear.js";
import { naturalStep, RATE } from "./natural.js";
import { NEXT, nextOfObjective, nextOfProgram, replaced, stateMask } from "./next.js";
import { layoutParams, paramNode } from "./parameters.js";
import { bindPlayers, mergeStrategies, type Turn } from "./players.js";
import {
  type Batch,
  type Builder,
  conditionProgram,
  type EvaluatedTerm,
  evaluateTerms,
  type Program,
  sizeNumber,
  sumBeyond,
  sumPerCopy,
  type Trace,
  withSizes,
} from "./programs.js";
import { bindReadings, siteValue } from "./readings.js";
import type { Copies } from "./replicate.js";
import { requireNumbers, restOf } from "./rest.js";
import { laplacianOf, scoreOf } from "./slopes.js";
import { StoppingBuilder } from "./stopping.js";

export interface BuildOptions {
  /** A model or guide for each of the objective's arguments without a type, by its name. */
  readonly programs: ReadonlyMap<string, ProgramBinding>;
  readonly data: DataSet;
  /** The objective's other arguments: `K`, `alpha`. Defaults stand for those left out. */
  readonly args?: DataSet;
  /** Minibatches: by size name, how many elements one step sees. */
  readonly batch?: Batch;
  /** Whether guides' params are to take steps along natural gradients. */
  readonly natural?: boolean;
  /** Whether expectations over a site that have a closed form are taken in it; true if absent. */
  readonly analytic?: boolean;
}

interface State extends Builder {
  readonly objective: Objective;
  readonly conditioned: Conditioned;
  readonly programs: ReadonlyMap<string, Program>;
  readonly traces: ReadonlyMap<string, Trace>;
  readonly exact?: ExactPlan;
}

function standIns(
  places: ReadonlyMap<string, InputNode>,
  evaluations: ReadonlyMap<string, Node>,
): Map<Node, Node> {
  return new Map([...places].map(([name, place]) => [place, evaluations.get(name) ?? place]));
}

/** The draw that is the data alone. */
const nothing: Trace = { name: "data", copies: { loops: [] }, values: new Map() };

/**
 * Builds value and gradient of an objective.
 * @throws TildeError where a program is missing, data do not fit, a site has no value, or a strategy
 * cannot be used.
 */
export function buildObjective(objective: Objective, options: BuildOptions): ObjectiveGraph {
  const { data, args = new Map(), batch = new Map() } = options;
  const unbound = objective.programs.filter((name) => !options.programs.has(name));
  if (unbound.length > 0) {
    fail("objective_unbound", objective.span, { objective: objective.name, names: unbound });
  }
  const conditioned = condition(objective.body, args);
  const layout = bindPrograms(objective, conditioned, options, data, batch);
  refuseImages(objective, allPrograms(layout));
  refuseEnergies(objective, allPrograms(layout));
  const owners = [...new Set(layout.programs.values()), { conditioned, slots: layout.own }];
  const streams = new Map([...layout.programs.values()].flatMap((p) => [...p.streams]));
  const shared = {
    dimension: layout.dimension,
    params: layout.slots,
    valueCount: layout.valueCount,
    initial: (seed: number | bigint, given?: DataSet) =>
      initialTheta(owners, layout.dimension, seed, given),
    streams: [...streams.values()],
  };
  const { players } = objective;
  if (players === undefined) {
    return {
      ...shared,
      ...climbing(objective, conditioned, layout, owners, undefined, options),
    };
  }
  const known = { ...layout, programs: allPrograms(layout) };
  // Natural gradients are those of one number.
  const own: ClimbOptions = { analytic: options.analytic };
  const turns = bindPlayers(objective, conditioned, known, options.programs);
  const made = turns.map((t, k) =>
    climbing({ ...objective, result: players[k].result }, conditioned, layout, owners, t, own),
  );
  const noise = new Map(made.flatMap((m) => m.noise.map((n) => [n.name, n] as const)));
  const [first] = made;
  return {
    ...shared,
    ...first,
    noise: [...noise.values()],
    states: made.flatMap((m) => m.states),
    strategies: mergeStrategies(made.map((m) => m.strategies)),
    players: turns.map(({ name, steps, spans }, k) => {
      const { graph, noise: own, states } = made[k];
      return { name, steps, spans, graph, noise: own, states };
    }),
  };
}

type Layout = ReturnType<typeof bindPrograms>;

/** Those of the objective's arguments, and those made of them. */
function allPrograms({ programs, estimated }: Layout): ReadonlyMap<string, Program> {
  return new Map([...programs, ...estimated]);
}

type ClimbOptions = Pick<BuildOptions, "natural" | "analytic">;
type Climbing = Pick<
  ObjectiveGraph,
  "graph" | "noise" | "states" | "strategies" | "value" | "written"
>;

/** Value and gradient of one number, in the params of one player or, without one, in all of them. */
function climbing(
  written: Objective,
  conditioned: Conditioned,
  layout: Layout,
  owners: readonly ParamOwner[],
  turn: Turn | undefined,
  { natural: isNatural = false, analytic: isAnalytic = true }: ClimbOptions,
): Climbing {
  const g = new StoppingBuilder();
  const theta = g.input("theta", [layout.dimension]);
  const noise: NoiseInput[] = [];
  const held = turn && ((slot: ParamSlot) => !turn.slots.has(slot));
  // Draws that none of the player's params move need no estimator.
  const programs = allPrograms(layout);
  const isHeld = (name: string): boolean => {
    const program = programOf(programs, name);
    const slots = [program, program.estimate?.proposal].flatMap((p) => [
      ...(p?.slots.values() ?? []),
    ]);
    return turn !== undefined && slots.every((s) => !turn.slots.has(s));
  };
  const objective: Objective = {
    ...written,
    draws: written.draws.map((d) => (isHeld(d.program) ? { ...d, frozen: true } : d)),
  };
  const base = { g, theta, noise, objective, conditioned, programs, held };
  const estimated = noEstimatedDraws();

  const traces = new Map<string, Trace>();
  for (const d of objective.draws) {
    const loops = d.loops.map((b) => ({
      name: `${d.name}.${b.name}`,
      count: sizeNumber(conditioned, b.size),
    }));
    const program = programOf(programs, d.program);
    traces.set(d.name, drawProgram(base, program, d.name, { loops }, d.frozen, estimated));
  }
  const drawing: State = { ...base, traces };
  const sizes = bindReadings(drawing);
  const evaluations = new Map(
    objective.evaluations.map((e) => [e.name, evaluate(drawing, e, estimated)]),
  );
  // First of inputs in the place of the densities: that shows how they enter.
  const places = new Map(
    [...evaluations].map(([name, n]) => [name, g.input(name, n.shape, n.dtype)]),
  );
  const plain = objectiveNode(drawing, places, sizes, layout.own);
  const isValue = new Set(objective.evaluations.flatMap((e) => (e.kind === "value" ? e.name : [])));
  const [densities, read] = [false, true].map(
    (wanted) => new Map([...places].filter(([name]) => isValue.has(name) === wanted)),
  );
  const factors = linearFactors(g, plain, densities);
  const rest = restOf(g, plain, factors === undefined ? new Map() : densities, read);
  const exact = isAnalytic ? planExact(drawing, factors) : undefined;
  const state: State = { ...drawing, exact };
  const means = new Map(evaluations);
  for (const e of objective.evaluations) {
    if (exact?.draws.get(e.draw ?? "")?.has(e.name)) means.set(e.name, evaluate(state, e));
  }
  for (const [name, place] of places) {
    g.stand(place, evaluations.get(name) ?? internalError(`no value of ${name}`));
  }
  const [drawn] = substitute(g, [plain], standIns(places, evaluations));
  const [mean] = substitute(g, [plain], standIns(places, means));

  const whole = (draw: string, trace: Trace): Node => {
    const again = { ...state, traces: new Map(traces).set(draw, trace) };
    const moved = objective.evaluations
      .filter((e) => e.draw === draw)
      .map((e) => [e.name, evaluate(again, e)] as const);
    for (const e of objective.evaluations) {
      const place = read.get(e.name);
      const value = e.reading && e.draw === draw ? trace.values.get(e.reading.site) : undefined;
      if (place === undefined || value === undefined) continue;
      requireNumbers(e, e.reading?.site ?? "", place, value, rest);
    }
    return substitute(g, [plain], standIns(places, new Map([...means, ...moved])))[0];
  };
  const made = estimatedTerms({ ...state, factors, rest, whole }, mean, estimated);
  const added = (to: Node, terms: readonly Node[]): Node =>
    terms.reduce<Node>((total, t) => g.add(total, t), to);
  // Where the guide is near the posterior, densities at the draws cancel each other's noise in the
  // value; in the gradient it is least with their means.
  const value = added(drawn, made.plain);
  const surrogate = added(added(mean, made.exact), made.score);
  const [grad] = gradient(g, surrogate, [theta]);
  if (isNatural) refuseNatural(objective, programs);
  const natural = isNatural
    ? naturalStep({ ...state, factors, whole }, grad, layout.dimension)
    : undefined;
  const mask = stateMask(layout.slots, layout.dimension);
  const renewed = [
    ...[...new Set(layout.programs.values())].flatMap((p) => nextOfProgram(state, p)),
    ...nextOfObjective(conditioned, layout.own, (e) =>
      objectiveNode(state, evaluations, sizes, layout.own, e),
    ),
  ].filter(([slot]) => held?.(slot) !== true);
  const next = renewed.reduce<Node>(
    (all, [slot, node]) => replaced(g, all, slot, node),
    natural?.next ?? theta,
  );
  const values = valuesNode(state, layout.slots, owners);
  const steps = natural === undefined && mask === undefined ? [] : [next];
  const plainNodes = g.resolve([value, grad, values, ...made.states.map((s) => s.next), ...steps]);
  const own = turn === undefined ? "" : `~${turn.name}`;
  const nodes = renamed(g, plainNodes, new Set(made.states.map((s) => s.slot.name)), own);
  const states = made.states.map(
    ({ slot }): StateSlot => ({ ...slot, name: `${slot.name}${own}`, next: `${slot.next}${own}` }),
  );
  const names = ["value", "grad", "values", ...states.map((s) => s.next), NEXT];
  const graph: Graph = {
    inputs: inputsOf(nodes),
    outputs: nodes.map((node, k) => ({ name: names[k], node })),
  };
  const known = new Set(["theta", RATE, ...noise.map((n) => n.name), ...states.map((s) => s.name)]);
  for (const { name } of graph.inputs) {
    if (!known.has(name) && !name.startsWith("data."))
      internalError(`${name} is left in the graph`);
  }
  const { strategies } = made;
  const all = natural?.isNatural.map((x, k) => Math.max(x, mask?.[k] ?? 0)) ?? mask;
  return { graph, noise, states, strategies, value: nodes[0], ...(all && { written: all }) };
}

/** The nodes with another ending of the names of some inputs: players carry numbers of their own. */
function renamed(
  g: StoppingBuilder,
  nodes: readonly Node[],
  names: ReadonlySet<string>,
  ending: string,
): readonly Node[] {
  if (ending === "" || names.size === 0) return nodes;
  const table = new Map<Node, Node>(
    inputsOf(nodes)
      .filter((n) => names.has(n.name))
      .map((n) => [n, g.input(`${n.name}${ending}`, n.shape)]),
  );
  return substitute(g, nodes, table);
}

/**
 * An energy is a log density up to what its params decide: nothing draws from it, and a sum of log
 * densities that follows the params would grow with the normaliser that it lacks. Element by element
 * (`log_probs`) and in slopes (`score`) objectives compare, and may have a param for the normaliser.
 */
function refuseEnergies(objective: Objective, programs: ReadonlyMap<string, Program>): void {
  const energyOf = (program: string) => {
    const { slots, conditioned, estimate } = programOf(programs, program);
    // Weights of particles need a density up to a constant alone.
    if (estimate?.kind === "normalize" && estimate.proposal !== undefined) return undefined;
    const { energies = [], name, variables } = conditioned.model;
    const site = variables.find((v) => energies.includes(v.name));
    return site && { site, model: name, isLearned: slots.size > 0 };
  };
  for (const d of objective.draws) {
    const found = energyOf(d.program);
    if (found === undefined) continue;
    const { site, model } = found;
    fail("energy_draw", site.span, { site: site.name, model, draw: d.name });
  }
  for (const e of objective.evaluations) {
    if (e.frozen || (e.kind !== "log_joint" && e.kind !== "log_prob")) continue;
    const found = energyOf(e.program);
    if (found === undefined || !found.isLearned) continue;
    const { site, model } = found;
    fail("energy_normaliser", site.span, { site: site.name, model, objective: objective.name });
  }
}

/**
 * The density of an image is known at its own draws, as a function of the params that they were made
 * with: gradients of it alone, or with the params held, are not those of the density.
 */
function refuseImages(objective: Objective, programs: ReadonlyMap<string, Program>): void {
  const check = (program: string, what: string): void => {
    const { images, variables, name } = programOf(programs, program).conditioned.model;
    const site = variables.find((v) => images !== undefined && Object.hasOwn(images, v.name));
    if (site === undefined) return;
    const params = { site: site.name, guide: name, objective: objective.name, what };
    fail("transformed_density", site.span, params);
  };
  for (const d of objective.draws) {
    if (d.frozen) check(d.program, "draws from it without gradients");
  }
  for (const e of objective.evaluations) {
    if (e.frozen) check(e.program, "holds its params constant in its density");
    if (e.kind === "score") check(e.program, "takes its score");
  }
}

function programOf(programs: ReadonlyMap<string, Program>, name: string): Program {
  return programs.get(name) ?? internalError(`no program ${name}`);
}

/** Programs with data; one that stands for two arguments has its params once. */
export function bindPrograms(
  objective: Objective,
  conditioned: Conditioned,
  options: BuildOptions,
  data: DataSet,
  batch: Batch,
) {
  const asked = withProposals(objective, conditioned, options.programs, data);
  const bindings = asked.programs;
  const known = withSizes(
    [...bindings.values()].map((b) => b.model),
    data,
  );
  const names = [...new Set([...objective.programs, ...bindings.keys()])];
  const made = new Map<ProgramBinding["model"], Omit<Program, "slots">>();
  for (const name of names) {
    const binding = bindings.get(name);
    if (binding === undefined || made.has(binding.model)) continue;
    // The first program's params have their plain names: it is the model that is learned.
    const prefix = made.size === 0 ? "" : binding.model.name;
    made.set(binding.model, { ...conditionProgram(binding, known, batch), prefix });
  }
  const own = { conditioned, prefix: objective.name };
  const layout = layoutParams([...made.values(), own]);
  const slotsOf = (c: Conditioned): ReadonlyMap<string, ParamSlot> =>
    layout.owned.get(c) ?? internalError(`no params of ${c.model.name}`);
  const programs = new Map<string, Program>();
  const bound = new Map([...made].map(([m, p]) => [m, { ...p, slots: slotsOf(p.conditioned) }]));
  for (const name of names) {
    const program = bound.get(bindings.get(name)?.model ?? objective.body);
    if (program !== undefined) programs.set(name, program);
  }
  const estimated = bindEstimates(objective, asked, programs);
  return { ...layout, programs, estimated, own: slotsOf(conditioned) };
}

function traceOf(state: State, e: Evaluation): Trace {
  if (e.draw === undefined) return nothing;
  return state.traces.get(e.draw) ?? internalError(`no draw ${e.draw}`);
}

/** The value of an evaluation for all copies of its draw. */
function evaluate(state: State, e: Evaluation, found?: EstimatedDraws): Node {
  if (e.reading !== undefined) return siteValue(state, state.programs, traceOf(state, e), e);
  const program = programOf(state.programs, e.program);
  const drawn = traceOf(state, e);
  const draw = state.objective.draws.find((d) => d.name === e.draw);
  const isOwn = draw?.program === e.program;
  const trace = isOwn ? drawn : visible(state.programs.get(draw?.program ?? ""), drawn);
  const estimate = evaluateEstimated(state, program, trace, e, found);
  if (estimate !== undefined) return estimate;
  switch (e.kind) {
    case "log_joint":
    case "log_prob":
      return sumPerCopy(state, expectedTerms(state, e, trace), trace.copies);
    case "log_probs":
      return pointwise(state, evaluateTerms(state, program, trace, e.frozen), trace.copies, e);
    case "score":
      return scoreOf(state, program, trace, e);
    case "laplacian":
      return laplacianOf(state, program, trace, e);
    case "value":
      return internalError("a value has no program");
  }
}

/** Each element of the one plate that all statements share, `copies ++ [elements]`. */
function pointwise(
  state: State,
  terms: readonly EvaluatedTerm[],
  copies: Copies,
  e: Evaluation,
): Node {
  const rank = copies.loops.length;
  const lengths = new Set(terms.map((t) => (t.loops === 0 ? -1 : t.node.shape[rank])));
  if (lengths.size !== 1 || lengths.has(-1)) {
    return fail("pointwise_plates", e.span, { program: e.program });
  }
  return terms.map((t) => sumBeyond(state.g, t.node, rank + 1)).reduce((a, b) => state.g.add(a, b));
}

/** What the objective returns, or another expression of its text. */
function objectiveNode(
  state: State,
  evaluations: ReadonlyMap<string, Node>,
  found: ReadonlyMap<string, number>,
  own: ReadonlyMap<string, ParamSlot>,
  e: Expr = state.objective.result,
): Node {
  const { g, theta, conditioned, objective } = state;
  const sizes = new Map([...conditioned.sizes, ...found]);
  for (const e of objective.evaluations) {
    const node = evaluations.get(e.name);
    const isVector = e.kind === "log_probs" || e.kind === "score";
    if (node !== undefined && isVector)
      sizes.set(evaluationSize(e), node.shape[node.shape.length - 1]);
  }
  const lowering: ReturnType<typeof startLowering> = startLowering(
    { ...conditioned, sizes },
    g,
    (l, variable) => {
      const slot = own.get(variable.name);
      if (slot !== undefined) {
        const node = paramNode(l, lowering.vars, g, theta, slot);
        const isHeld = slot.isState === true || state.held?.(slot) === true;
        return isHeld ? g.stopGradient(node) : node;
      }
      return evaluations.get(variable.name) ?? internalError(`no value of ${variable.name}`);
    },
  );
  return lowering.l.lower(e, emptyContext).node;
}

/** All params in their own coordinates, `[valueCount]`. */
function valuesNode(
  state: State,
  slots: readonly ParamSlot[],
  owners: readonly ParamOwner[],
): Node {
  const { g, theta } = state;
  const parts = slots.map((slot) => {
    const owner = owners.find((o) => o.slots.get(slot.param) === slot);
    if (owner === undefined) return internalError(`no program of ${slot.name}`);
    const { l, vars } = startLowering(owner.conditioned, g, () => internalError("a param alone"));
    return g.reshape(paramNode(l, vars, g, theta, slot), [slot.valueLength]);
  });
  return parts.length === 0 ? g.zeros([0]) : g.concat(parts, 0);
}
