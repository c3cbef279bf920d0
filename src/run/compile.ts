/**
 * The pipeline, stage by stage: the only file that knows every one of them. Text becomes a model,
 * a model with data becomes a log joint, the log joint becomes kernels, kernels become code.
 */
import { type Diagnostic, fail, TildeError } from "../base/diagnostic.js";
import { nearestNames } from "../base/nearest.js";
import type { Source } from "../base/span.js";
import { type Elaborated, elaborate, type LoadImport } from "../elaborate/index.js";
import { buildLogJoint, type LogJoint } from "../inference/logjoint/index.js";
import type { Buffer, KernelModule } from "../kernel/ir.js";
import { verifyModule } from "../kernel/verify.js";
import type { DataSet } from "../model/data.js";
import type { Model } from "../model/ir.js";
import { collapse } from "../passes/collapse/index.js";
import { type Conditioned, condition } from "../passes/condition/index.js";
import { withGradient } from "../passes/grad/index.js";
import { ConstantPool, type Lowered, lowerGraph } from "../passes/lower/index.js";
import { type GraphPass, runPass } from "../passes/run-pass.js";
import { SimplifyingBuilder, simplify } from "../passes/simplify/index.js";
import type { SourceFile } from "../syntax/ast.js";
import { parseSource } from "../syntax/parse.js";
import type { Graph, Node } from "../tensor/ops.js";
import type { RawData } from "./data/values.js";
import { loadImport } from "./sources.js";

/** The stages that can be shown, in the order of the pipeline. */
export const stages = ["tokens", "ast", "model", "graph", "grad", "kernel", "wat", "wgsl"] as const;
export type Stage = (typeof stages)[number];

/** What a file declares for methods that learn: its models, guides and objectives by name. */
export type Declared = Pick<Elaborated, "models" | "guides" | "objectives">;

export interface CheckedSource extends Declared {
  readonly ast: SourceFile;
  readonly diagnostics: readonly Diagnostic[];
}

/** Text to models; never throws for what the text says. */
export function checkSource(source: Source, importer: LoadImport = loadImport): CheckedSource {
  const parsed = parseSource(source);
  const broken = parsed.diagnostics.some((d) => d.severity === "error");
  if (broken) {
    const nothing = { models: new Map(), guides: new Map(), objectives: new Map() };
    return { ast: parsed.ast, ...nothing, diagnostics: parsed.diagnostics };
  }
  const { diagnostics, ...declared } = elaborate(parsed.ast, { loadImport: importer });
  return { ast: parsed.ast, ...declared, diagnostics: [...parsed.diagnostics, ...diagnostics] };
}

/**
 * The model of that name, or the only one.
 * @throws TildeError with the file's diagnostics, or where the name is unknown or needed.
 */
export function selectModel(
  checked: Pick<CheckedSource, "models" | "diagnostics">,
  source: Source,
  name?: string,
): Model {
  const errors = checked.diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new TildeError(errors);
  const known = [...checked.models.keys()];
  if (name !== undefined) {
    const found = checked.models.get(name);
    if (found !== undefined) return found;
    return fail("unknown_model", undefined, { name, known, near: nearestNames(name, known) });
  }
  const models = [...checked.models.values()];
  if (models.length === 1) return models[0];
  if (models.length === 0) return fail("no_model", undefined, { path: source.path });
  return fail("several_models", undefined, { known });
}

/** Joins a model with data; a value that cannot be read counts only where the model wants it. */
export function conditionRaw(model: Model, raw: RawData): Conditioned {
  const wanted = new Set([
    ...model.inputs.map((i) => i.name),
    ...model.variables.map((v) => v.name),
    ...model.boundSizes,
  ]);
  const problems = [...raw.problems].filter(([name]) => wanted.has(name)).map(([, d]) => d);
  if (problems.length > 0) throw new TildeError(problems);
  return condition(model, raw.values as DataSet);
}

/** A density with everything that the samplers need of it, before the kernels are compiled. */
export interface CompiledModel {
  readonly joint: LogJoint;
  /** Functions `lp_grad`, `lp_grad_nojac` (where asked) and `constrain` with their buffers. */
  readonly kernels: KernelModule;
}

export interface DensityOptions {
  readonly methodName: string;
  /** Also the density in the model's own coordinates, for modes. */
  readonly withoutJacobian?: boolean;
  /** Sees each graph as it is made, for `--dump`. */
  readonly record?: (stage: "graph" | "grad", graph: Graph) => void;
  /** Sees the density in the model's own coordinates with its gradient, where that is asked for. */
  readonly recordOwn?: (graph: Graph) => void;
  /** Checks every graph and kernel on the way; on in tests. */
  readonly verify?: boolean;
}

/** The passes of a density with its gradient, in order. */
const densityPasses: readonly {
  readonly name: string;
  readonly run: GraphPass;
  /** The dump stage that this pass completes. */
  readonly completes?: "graph" | "grad";
}[] = [
  // Folds what the data alone decides and brings sums to the forms that collapse knows.
  { name: "simplify", run: simplify },
  // Before the gradient, so that the gradient does not grow with the data either.
  { name: "collapse", run: collapse, completes: "graph" },
  { name: "gradient", run: densityGradient },
  // Merges the model's loops with those that the gradient runs again.
  { name: "simplify gradient", run: simplify, completes: "grad" },
];

function densityGradient(graph: Graph): Graph {
  return withGradient(graph, "lp", { q: "grad" }, new SimplifyingBuilder());
}

/** A conditioned model to kernels of its log density, gradient and constrained values. */
export function compileDensity(conditioned: Conditioned, options: DensityOptions): CompiledModel {
  const joint = buildLogJoint(conditioned, options.methodName);
  const { q } = joint;
  const pool = new ConstantPool();
  const { verify } = options;
  const gradientKernel = (name: string, output: Node) => {
    let graph: Graph = { inputs: [q], outputs: [{ name: "lp", node: output }] };
    for (const pass of densityPasses) {
      graph = runPass(pass.name, pass.run, graph, { verify });
      if (pass.completes !== undefined && name === "lp_grad")
        options.record?.(pass.completes, graph);
    }
    if (name === "lp_grad_nojac") options.recordOwn?.(graph);
    return lowerGraph(graph, {
      name,
      result: "lp",
      inputs: { q: "q" },
      outputs: { grad: "grad" },
      constants: pool,
    });
  };
  const parts = [gradientKernel("lp_grad", joint.logDensity)];
  if (options.withoutJacobian) parts.push(gradientKernel("lp_grad_nojac", joint.logJoint));
  const values = simplify({
    inputs: [joint.q],
    outputs: [{ name: "constrained", node: joint.constrained }],
  });
  parts.push(
    lowerGraph(values, {
      name: "constrain",
      inputs: { q: "q" },
      outputs: { constrained: "constrained" },
      constants: pool,
    }),
  );
  const buffers = [
    workspace("q", joint.dimension),
    workspace("grad", joint.dimension),
    workspace("constrained", joint.constrained.shape[0]),
  ];
  const kernels = mergeKernels(parts, pool, buffers);
  if (verify === true) verifyModule(kernels);
  return { joint, kernels };
}

function mergeKernels(
  parts: readonly Lowered[],
  pool: ConstantPool,
  inputs: readonly Buffer[],
): KernelModule {
  return {
    buffers: [...inputs, ...pool.buffers(), ...pool.scratchBuffers()],
    functions: parts.flatMap((p) => p.functions),
  };
}

function workspace(name: string, length: number): Buffer {
  return { name, element: "f64", length, region: "workspace" };
}
