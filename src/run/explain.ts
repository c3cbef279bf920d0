/**
 * `explain`: what a method would do with a model and its data, before it runs: how each site is
 * treated, how discrete sites are summed out and at what cost, what was folded, memory and work.
 */

import { planCavi } from "../inference/cavi/index.js";
import { planDp } from "../inference/dp/model/plan.js";
import { describeEm, planEm } from "../inference/em/index.js";
import { planElimination } from "../inference/enumerate/plan.js";
import { exactPosterior } from "../inference/exact/exact.js";
import { describePlan, planGibbs } from "../inference/gibbs/plan.js";
import type { SumPlan } from "../inference/logjoint/discrete/index.js";
import { elementCounts } from "../inference/logjoint/discrete/layout.js";
import { buildDiscreteReadout } from "../inference/logjoint/discrete/readout.js";
import type { Group } from "../inference/logjoint/discrete/structure.js";
import { buildLogJoint } from "../inference/logjoint/index.js";
import { isDiscrete, latentVariables } from "../inference/logjoint/latents.js";
import { elementCount } from "../model/data.js";
import type { Model, SupportKind, Variable } from "../model/ir.js";
import { printSupport } from "../model/print.js";
import { type Conditioned, concreteDims } from "../passes/condition/index.js";
import { isUnbounded, withComponents } from "../passes/condition/unbounded.js";
import type { Graph } from "../tensor/ops.js";
import { constantNumbers, workOf } from "../tensor/work.js";
import { type InferenceMethod, judgeMethods, withAlternatives } from "./alternatives.js";
import { compileDensity, conditionRaw } from "./compile.js";
import { refuseParams } from "./context.js";
import { type RawData, readObject } from "./data/values.js";
import { refuseEm } from "./em.js";
import { refuseExact } from "./exact.js";
import { type LearningPlan, planLearning } from "./explain-learning.js";
import { presentable } from "./failure.js";
import { makeInstance } from "./gibbs-chain.js";
import type { Program } from "./load.js";
import type { NceOptions, SviOptions } from "./methods.js";
import { describeProcess, refuseVariational } from "./process.js";

/** `drawn` are discrete sites of methods that do not sum them out. */
export type SiteTreatment = "observed" | "sampled" | "summed out" | "optimised" | "drawn";

/** How one site or param is treated. */
export interface SitePlan {
  readonly name: string;
  readonly dims: readonly number[];
  /** Of an unbounded plate: the first axis is as long as the data need. */
  readonly unbounded?: true;
  readonly support: string;
  readonly treatment: SiteTreatment;
  /** Scalars that the data do not give. */
  readonly latent: number;
  /** What maps unconstrained numbers to values, in words; of sampled sites and params. */
  readonly transform?: string;
  /** How many values each element may have; of sites that are summed out. */
  readonly values?: number;
}

/** Discrete elements that are summed in one way. */
export interface SumGroupPlan {
  readonly sites: readonly string[];
  readonly how: "independent" | "chains" | "elimination";
  /** Components: independent groups, or chains. */
  readonly count: number;
  /** Elements of each. */
  readonly length: number;
  /** Assignments of one component, as a power where they are many: `2^9`. */
  readonly assignments: string;
  /** Numbers of the largest table, and of all tables: the cost of one sum. */
  readonly largest: number;
  readonly cost: number;
}

/** Whether a method works for the model and its data. */
export interface MethodPlan {
  readonly method: InferenceMethod;
  readonly works: boolean;
  /** What it says where it does not. */
  readonly reason?: string;
}

export interface Plan {
  readonly model: string;
  readonly method: InferenceMethod;
  /** What a sweep or an iteration does, block by block; of methods that have such. */
  readonly steps: readonly string[];
  /** Every method, and why those that do not work do not. */
  readonly methods: readonly MethodPlan[];
  readonly sites: readonly SitePlan[];
  /** Unconstrained numbers that a gradient method moves through. */
  readonly dimension: number;
  readonly sums: readonly SumGroupPlan[];
  /** Absent where nothing continuous is latent. */
  readonly density?: {
    /** Numbers of data in the density as written, and after folding what data alone decide. */
    readonly dataBefore: number;
    readonly dataAfter: number;
    /** Arithmetic operations of the density, and of the density with its gradient. */
    readonly operations: number;
    readonly gradientOperations: number;
    /** Bytes shared by all chains, and of each chain. */
    readonly constantBytes: number;
    readonly workspaceBytes: number;
  };
}

/**
 * What a method would do with a model and its data.
 * @throws TildeError where data are wrong or the method refuses the model: the message names the
 * site and the reason
 */
export function explain(
  program: Program,
  data: Readonly<Record<string, unknown>>,
  options: { readonly method: SviOptions | NceOptions },
): LearningPlan;
export function explain(
  program: Program,
  data?: Readonly<Record<string, unknown>>,
  options?: { readonly method?: InferenceMethod },
): Plan;
export function explain(
  program: Program,
  data: Readonly<Record<string, unknown>> = {},
  options: { readonly method?: InferenceMethod | SviOptions | NceOptions } = {},
): Plan | LearningPlan {
  try {
    if (typeof options.method === "object") {
      return planLearning(program.model, readObject(data), program.declared, options.method);
    }
    return explainRaw(program.model, readObject(data), options.method);
  } catch (error) {
    throw presentable(error);
  }
}

/** The same with data that was read from files; diagnostics are thrown as they are. */
export function explainRaw(model: Model, data: RawData, asked?: InferenceMethod): Plan {
  const conditioned = conditionRaw(model, data);
  try {
    const verdicts = judgeMethods(conditioned);
    // NUTS, as `infer` does; of models that it can never fit, the first method that works.
    const isOpen = model.unbounded !== undefined || model.variables.some((v) => v.role === "param");
    const first = verdicts.find((v) => v.refusal === undefined)?.method;
    const method = asked ?? (isOpen ? first : undefined) ?? "nuts";
    const methods = verdicts.map(({ method: name, refusal }): MethodPlan => {
      const works = refusal === undefined;
      return works ? { method: name, works } : { method: name, works, reason: refusal.message };
    });
    const steps = stepsOf(conditioned, method);
    const base =
      steps === undefined ? gradientPlan(conditioned) : { ...sitesOf(conditioned), sums: [] };
    return { model: model.name, method, ...base, steps: steps ?? [], methods };
  } catch (error) {
    throw withAlternatives(error, conditioned);
  }
}

/** Treatments without a density over unconstrained numbers. */
function sitesOf(given: Conditioned): Pick<Plan, "sites" | "dimension"> {
  // Of an unbounded plate one component is shown.
  const conditioned = withComponents(given, 1);
  const latent = new Map(latentVariables(conditioned).map((v) => [v.name, v.length]));
  const sites = conditioned.model.variables
    .filter((v) => v.role !== "let")
    .map((v): SitePlan => {
      const dims = concreteDims(conditioned, v.type.dims);
      const unbounded = isUnbounded(conditioned.model, v) ? ({ unbounded: true } as const) : {};
      const base = { name: v.name, dims, support: printSupport(v.support), ...unbounded };
      const isLatentDiscrete = isDiscrete(v.support) && !conditioned.observed.has(v.name);
      if (isLatentDiscrete) return { ...base, treatment: "drawn", latent: elementCount(dims) };
      const length = latent.get(v.name) ?? 0;
      if (length === 0) return { ...base, treatment: "observed", latent: 0 };
      return { ...base, treatment: v.role === "param" ? "optimised" : "sampled", latent: length };
    });
  return { sites, dimension: [...latent.values()].reduce((n, length) => n + length, 0) };
}

/** What a method with blocks does in one round; undefined for methods that follow a gradient. */
function stepsOf(conditioned: Conditioned, method: InferenceMethod): string[] | undefined {
  const isProcess = conditioned.model.unbounded !== undefined;
  switch (method) {
    case "gibbs":
      refuseParams(conditioned, method);
      if (isProcess) return describeProcess(planDp(conditioned, makeInstance, method), method);
      return describePlan(planGibbs(conditioned, makeInstance));
    case "em": {
      const plan = planEm(conditioned, makeInstance);
      return plan.kind === "refused" ? refuseEm(conditioned, plan) : describeEm(plan);
    }
    case "cavi": {
      refuseParams(conditioned, method);
      if (isProcess) {
        const plan = planDp(conditioned, makeInstance, method);
        refuseVariational(plan);
        return describeProcess(plan, method);
      }
      const { direct, points } = planCavi(conditioned, makeInstance);
      const lines = direct.sites.map(({ latent: { name } }) => {
        const why = points.get(name);
        return why === undefined
          ? `${name}: factor in closed form`
          : `${name}: normal factor in unconstrained numbers, since ${why}`;
      });
      return [...lines, ...direct.discrete.map(({ name }) => `${name}: exact messages`)];
    }
    case "exact": {
      refuseParams(conditioned, method);
      const found = exactPosterior(conditioned, makeInstance);
      if (found.kind !== "exact") return refuseExact(conditioned, found);
      const { normal, sites } = found;
      const lines = sites.map((s) => `${s.name}: ${s.family}`);
      return normal.length === 0 ? lines : [...lines, `${normal.join(", ")}: one normal vector`];
    }
    default:
      return undefined;
  }
}

function gradientPlan(conditioned: Conditioned) {
  const { model } = conditioned;
  const joint = buildLogJoint(conditioned, "nuts");
  const summed = new Map(joint.sum?.sites.map((s) => [s.name, s.count]));
  const latent = new Map(joint.latents.map((v) => [v.name, v.length]));
  const sites = model.variables
    .filter((v) => v.role !== "let")
    .map((v) => sitePlan(conditioned, v, latent.get(v.name) ?? 0, summed.get(v.name)));
  return {
    sites,
    dimension: joint.dimension,
    sums: joint.sum === undefined ? [] : sumPlans(conditioned, joint.sum),
    density: joint.dimension === 0 ? undefined : densityPlan(conditioned, joint.logDensity),
  };
}

function sitePlan(
  conditioned: Conditioned,
  v: Variable,
  latent: number,
  values: number | undefined,
): SitePlan {
  const dims = concreteDims(conditioned, v.type.dims);
  const base = { name: v.name, dims, support: printSupport(v.support) };
  if (values !== undefined) {
    return { ...base, treatment: "summed out", latent: elementCount(dims), values };
  }
  if (latent === 0) return { ...base, treatment: "observed", latent };
  const treatment = v.role === "param" ? "optimised" : "sampled";
  return { ...base, treatment, latent, transform: transforms[v.support.kind] };
}

/** What bijectors do, in words (`inference/bijectors`). */
const transforms: { readonly [K in SupportKind]?: string } = {
  real: "none",
  positive: "exp",
  nonnegative: "exp",
  unit: "logistic",
  interval: "scaled logistic, or exp from its one bound",
  simplex: "softmax of log-ratios",
  ordered: "sums of exp",
  positive_ordered: "sums of exp",
  unit_vector: "normalised vector",
  cov: "Cholesky factor with exp on its diagonal",
  corr: "canonical partial correlations",
  cholesky_cov: "lower triangle with exp on its diagonal",
  cholesky_corr: "canonical partial correlations",
};

function densityPlan(conditioned: Conditioned, before: Graph["outputs"][number]["node"]) {
  let folded: Graph = { inputs: [], outputs: [] };
  let gradient = folded;
  const { kernels } = compileDensity(conditioned, {
    methodName: "nuts",
    record: (stage, graph) => {
      if (stage === "graph") folded = graph;
      else gradient = graph;
    },
  });
  const nodes = (graph: Graph) => graph.outputs.map((o) => o.node);
  const bytes = (region: "constant" | "workspace"): number =>
    kernels.buffers
      .filter((b) => b.region === region)
      .reduce((n, b) => n + b.length * (b.element === "f64" ? 8 : 4), 0);
  return {
    dataBefore: constantNumbers([before]),
    dataAfter: constantNumbers(nodes(folded)),
    operations: workOf(nodes(folded)),
    gradientOperations: workOf(nodes(gradient)),
    constantBytes: bytes("constant"),
    workspaceBytes: bytes("workspace"),
  };
}

function sumPlans(conditioned: Conditioned, { sites, groups }: SumPlan): SumGroupPlan[] {
  const counts = elementCounts(sites);
  const siteOf = (element: number) =>
    sites.find((s) => element < s.offset + elementCount(s.dims))?.name ?? "";
  const namesOf = (elements: readonly number[]) => [...new Set(elements.map(siteOf))];
  const assignments = (elements: readonly number[]): string => {
    const powers = new Map<number, number>();
    for (const e of elements) powers.set(counts[e], (powers.get(counts[e]) ?? 0) + 1);
    return [...powers].map(([k, n]) => (n === 1 ? `${k}` : `${k}^${n}`)).join(" · ");
  };
  const isLoose = groups.some((g) => g.kind === "loose" || g.kind === "aligned");
  const cliques = isLoose
    ? planElimination(buildDiscreteReadout(conditioned, "nuts").graph, siteOf).cliques
    : [];
  const tablesOf = (elements: ReadonlySet<number>) => {
    const own = cliques.filter((c) => elements.has(c.element));
    const lengths = own.map((c) => c.sizes.reduce((n, s) => n * s, 1));
    return {
      largest: lengths.reduce((a, b) => Math.max(a, b), 0),
      cost: lengths.reduce((a, b) => a + b, 0),
    };
  };
  const plan = (group: Group): SumGroupPlan => {
    switch (group.kind) {
      case "aligned": {
        const { width, members } = group;
        const first = Array.from(members.subarray(0, width));
        const shared = { count: members.length / width, length: width };
        return {
          sites: namesOf(first),
          how: "independent",
          ...shared,
          assignments: assignments(first),
          ...tablesOf(new Set(members)),
        };
      }
      case "chains": {
        const [first] = group.paths;
        const k = counts[first[0]];
        const count = group.paths.length;
        return {
          sites: namesOf(first),
          how: "chains",
          count,
          length: group.length,
          assignments: assignments(first),
          largest: k * k,
          cost: count * group.length * k * k,
        };
      }
      case "loose": {
        const elements = group.elements;
        return {
          sites: namesOf(elements),
          how: "elimination",
          count: 1,
          length: elements.length,
          assignments: assignments(elements),
          ...tablesOf(new Set(elements)),
        };
      }
    }
  };
  return groups.map(plan);
}
