/** Draws from a fitted guide: values of the model's sites, and both log densities at them. */
import { TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { KernelModule } from "../../kernel/ir.js";
import type { Model, Stmt } from "../../model/ir.js";
import type { Objective } from "../../model/objective.js";
import { condition } from "../../passes/condition/index.js";
import { ConstantPool, lowerGraph } from "../../passes/lower/index.js";
import { simplify } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { inputsOf } from "../../tensor/transform.js";
import type { KernelInstance } from "../contract.js";
import { type BuildOptions, bindPrograms } from "../objective/build.js";
import type { NoiseInput } from "../objective/contract.js";
import { drawProgram, noEstimatedDraws, visible } from "../objective/estimated-draws.js";
import { estimatedDensity } from "../objective/estimates.js";
import { evaluateTerms, type Program, sumPerCopy } from "../objective/programs.js";
import { StoppingBuilder } from "../objective/stopping.js";
import { noiseKernels, noiseRoom, seedNoise } from "../stochastic/noise.js";
import { elements, noiseOf, workspace } from "./compile.js";
import { type LocalPlate, localRatios } from "./locals.js";

/** A site of the guide in a row of draws. */
export interface DrawnSite {
  readonly name: string;
  readonly dims: readonly number[];
  readonly offset: number;
  readonly length: number;
}

export interface GuideDraws {
  /** Row t is draw t. */
  readonly values: Float64Array;
  /**
   * log p(x, z), and log p(x, z) − log q(z), of all data; absent where the density cannot be
   * evaluated at draws, as of a label that is an index.
   */
  readonly densities?: { readonly lp: Float64Array; readonly ratios: Float64Array };
  /** Those of each element of the readout's plates: row t is draw t. */
  readonly locals?: Float64Array;
}

export interface ReadoutOptions extends Omit<BuildOptions, "batch"> {
  /** The objective's arguments that stand for the model and its guide. */
  readonly model: string;
  readonly guide: string;
}

/** Draws of a guide as a module: functions `noise(step)` and `draw()`. */
export interface Readout {
  readonly kernels: KernelModule;
  readonly sites: readonly DrawnSite[];
  readonly readsTheta: boolean;
  readonly hasDensities: boolean;
  /** Plates whose elements have log weights of their own. */
  readonly plates: readonly LocalPlate[];
  /** Whether the guide draws what stands in none of them. */
  readonly hasGlobals: boolean;
}

/** The number of the run in the key of the noise: no step of a search has these numbers. */
const READOUT_RUN = 1;

/** Lowers the draws of a guide, over the buffer `theta`. */
export function guideReadout(objective: Objective, options: ReadoutOptions): Readout {
  const { graph, noise, sites, plates, hasGlobals } = readoutGraph(objective, options);
  const pool = new ConstantPool();
  const used = noiseOf(graph, noise);
  const names = graph.outputs.map((o) => o.name);
  const { functions } = lowerGraph(graph, {
    name: "draw",
    inputs: Object.fromEntries(graph.inputs.map((n) => [n.name, n.name])),
    outputs: Object.fromEntries(names.map((n) => [n, n])),
    constants: pool,
  });
  const random = noiseKernels(used);
  const kernels: KernelModule = {
    buffers: [
      ...graph.inputs
        .filter((n) => !used.some((u) => u.buffer === n.name))
        .map((n) => workspace(n.name, elements(n.shape))),
      ...used.map((n) => workspace(n.buffer, noiseRoom(n.length))),
      ...graph.outputs.map((o) => workspace(o.name, elements(o.node.shape))),
      ...random.buffers,
      ...pool.buffers(),
      ...pool.scratchBuffers(),
    ],
    functions: [...functions, ...random.functions],
  };
  const readsTheta = graph.inputs.some((n) => n.name === "theta");
  const hasDensities = names.includes("densities");
  return { kernels, sites, readsTheta, hasDensities, plates, hasGlobals };
}

/** Draws at `theta` with an instance of the readout's kernels. */
export function drawSites(
  readout: Readout,
  instance: KernelInstance,
  theta: Float64Array,
  draws: number,
  seed: number | bigint,
): GuideDraws {
  const { sites, hasDensities, plates } = readout;
  if (readout.readsTheta) instance.f64("theta").set(theta);
  seedNoise(instance.i32("mc_key"), seed, READOUT_RUN);
  const refill = instance.fn("noise");
  const draw = instance.fn("draw");
  const width = sites.reduce((n, s) => n + s.length, 0);
  const row = instance.f64("sites").subarray(0, width);
  const densities = hasDensities ? instance.f64("densities") : undefined;
  const values = new Float64Array(draws * width);
  const lp = new Float64Array(draws);
  const ratios = new Float64Array(draws);
  const count = plates.reduce((n, p) => n + p.length, 0);
  const local = count > 0 ? instance.f64("locals").subarray(0, count) : new Float64Array(0);
  const locals = new Float64Array(draws * count);
  for (let t = 0; t < draws; t++) {
    refill(t);
    draw();
    values.set(row, t * width);
    locals.set(local, t * count);
    if (densities === undefined) continue;
    lp[t] = densities[0];
    ratios[t] = densities[0] - densities[1];
  }
  return {
    values,
    ...(hasDensities && { densities: { lp, ratios } }),
    ...(count > 0 && { locals }),
  };
}

function readoutGraph(objective: Objective, options: ReadoutOptions) {
  const { data, args = new Map() } = options;
  const layout = bindPrograms(objective, condition(objective.body, args), options, data, new Map());
  const g = new StoppingBuilder();
  const theta = g.input("theta", [layout.dimension]);
  const noise: NoiseInput[] = [];
  const builder = { g, theta, noise };
  const find = (name: string): Program =>
    layout.programs.get(name) ?? internalError(`no program ${name}`);
  const [model, guide] = [find(options.model), find(options.guide)];
  const drawing = drawingOf(guide);
  const trace = drawProgram(builder, drawing, "draw", { loops: [] }, true, noEstimatedDraws());
  let offset = 0;
  // What an image was made of is no site of the model.
  const images = Object.values(guide.conditioned.model.images ?? {});
  const seen = visible(drawing, trace);
  const drawn = [...seen.values].filter(([name]) => !images.some((i) => i.base === name));
  const sites = drawn.map(([name, node]): DrawnSite => {
    const length = elements(node.shape);
    offset += length;
    return { name, dims: node.shape, offset: offset - length, length };
  });
  const flat = drawn.map(([, node]) => {
    const real = node.dtype === "bool" ? g.select(node, g.constant(1), g.constant(0)) : node;
    return g.reshape(real, [elements(node.shape)]);
  });
  const { estimate } = guide;
  const evaluated = withoutLabels(() =>
    (estimate === undefined ? [model, guide] : [model]).map((program) => {
      return { program, terms: evaluateTerms(builder, program, seen, true) };
    }),
  );
  const nodes: Node[] = [flat.length === 1 ? flat[0] : g.concat(flat, 0)];
  let plates: readonly LocalPlate[] = [];
  let hasGlobals = true;
  if (evaluated !== undefined) {
    const [above, below] = evaluated;
    const sums = evaluated.map((e) => sumPerCopy(builder, e.terms, trace.copies));
    if (estimate !== undefined) {
      const request = {
        name: "draw.particles",
        kind: "log_prob",
        frozen: false,
        isOwn: true,
      } as const;
      sums.push(estimatedDensity(builder, estimate, trace, request).node);
    }
    nodes.push(g.stack(sums));
    // Estimates are no sums over statements.
    const local = below && localRatios(builder, above, below);
    if (local !== undefined) ({ plates, hasGlobals } = local);
    if (local?.ratios !== undefined) nodes.push(local.ratios);
  }
  const resolved = g.resolve(nodes);
  const graph: Graph = simplify({
    inputs: inputsOf(resolved),
    outputs: resolved.map((node, k) => ({ name: ["sites", "densities", "locals"][k], node })),
  });
  return { graph, noise, sites, plates, hasGlobals };
}

/** A program whose draws are wanted alone, estimated or not. */
function drawingOf(program: Program): Program {
  const bare = (p: Program): Program => {
    return { ...p, conditioned: { ...p.conditioned, model: plain(p.conditioned.model) } };
  };
  const { estimate } = program;
  if (estimate === undefined) return bare(program);
  const { base, proposal } = estimate;
  const own = { ...estimate, base: bare(base), ...(proposal && { proposal: bare(proposal) }) };
  return { ...bare(program), estimate: own };
}

/** The guide's own draws, whatever way gradients take through them. */
function plain(model: Model): Model {
  const bare = (body: readonly Stmt[]): Stmt[] =>
    body.map((s): Stmt => {
      if (s.kind === "site") return { ...s, using: undefined };
      if (s.kind === "for") return { ...s, body: bare(s.body) };
      // biome-ignore lint/suspicious/noThenProperty: the branch's name in the IR, never awaited
      if (s.kind === "if") return { ...s, then: bare(s.then), else: bare(s.else) };
      return s;
    });
  return { ...model, body: bare(model.body) };
}

/** Undefined where a drawn label would be an index, which graphs do not have. */
function withoutLabels<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    const codes: readonly string[] = ["draw_as_index", "relaxed_reading"];
    if (error instanceof TildeError && codes.includes(error.diagnostics[0].code)) return undefined;
    throw error;
  }
}
