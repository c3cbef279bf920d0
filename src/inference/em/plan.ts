/** What EM does with a model: which sites are parameters, how each step works, or why it cannot. */
import { internalError } from "../../base/internal.js";
import { nearestNames } from "../../base/nearest.js";
import { type RandomStream, stream } from "../../math/rng/random.js";
import { printSize } from "../../model/size.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { topological } from "../../tensor/traverse.js";
import { type AscentKernels, compileAscent, inputsOf } from "../ascent/compile.js";
import { factorOf } from "../ascent/factors/index.js";
import { MOST_STAGED, type NotStaged, type StagedKernels, stageAscent } from "../ascent/stage.js";
import type { MakeInstance } from "../conditionals/kernels.js";
import type { KernelInstance } from "../contract.js";
import type { ExpectedJoint, ExpectedSite } from "../expectation/contract.js";
import { expectJoint, isNotMultilinear } from "../expectation/index.js";
import { buildDirectJoint, type DirectJoint } from "../logjoint/direct.js";
import type { Group } from "../logjoint/discrete/structure.js";
import { isDiscrete } from "../logjoint/latents.js";
import { conditionalEStep, findAttachment } from "./conditional-step.js";
import type { EmOptions, EmRefusal } from "./contract.js";
import { coordinateKernels } from "./coordinates.js";
import { type EStep, factorisedEStep, type LatentFactor } from "./e-step.js";
import { Expected } from "./expected.js";
import { hostStep, type Iteration, iterationOf } from "./graph/iteration.js";
import { findJointBlocks, jointNormalEStep } from "./joint-normal.js";
import { MStep, type Parameter } from "./m-step.js";
import { closedForm } from "./maximise/index.js";
import { statisticAt } from "./statistics.js";
import { type PointLatent, variationalEStep } from "./variational.js";

export interface EmPlan {
  readonly kind: "plan";
  readonly conditioned: Conditioned;
  readonly options: Required<Omit<EmOptions, "start" | "restarts">> & EmOptions;
  readonly kernels: AscentKernels;
  readonly expected: Expected;
  /** In the order in which they are maximised. */
  readonly parameters: readonly Parameter[];
  readonly eStep: EStep;
  /** Of a plan whose passes are a device's: whole iterations there, or why M-steps are the host's. */
  readonly iteration?: Iteration;
  /** Continuous latent sites that are integrated out, by index in the joint. */
  readonly latents: readonly {
    readonly site: number;
    readonly name: string;
    readonly length: number;
  }[];
}

const DEFAULTS = {
  maximise: [],
  maxIterations: 2000,
  tolerance: 1e-9,
  standardErrors: false,
} as const;

/**
 * Plans EM: kernels are compiled and instantiated by `make`.
 * @throws TildeError where the sum over discrete sites is too large, or data do not fit
 */
export function planEm(
  conditioned: Conditioned,
  make: MakeInstance,
  options: EmOptions = {},
): EmPlan | EmRefusal {
  const found = planEmWithin(conditioned, make, options, Infinity);
  return found.kind === "too_large" ? internalError("kernels larger than anything") : found;
}

/** Kernels that hold every item's tables at once would need more numbers than they may have. */
export interface EmTooLarge {
  readonly kind: "too_large";
  readonly numbers: number;
}

/**
 * From so many numbers on, in rows of so many values, tables of log weights are faster in blocks of
 * items, which stay in a core's caches (`scripts/bench/em-blocks.ts`: full covariances of 16
 * dimensions and 64 components take 0.72 to 0.84 of the time, rows of 2 or 3 values 1 to 1.27).
 */
const BLOCKED = { numbers: 1 << 16, values: 16 } as const;

/** Whether the tables of factors are faster in blocks of items. */
function areBlocked(factors: readonly { readonly rows: Node }[]): boolean {
  return factors.some(({ rows }) => {
    const numbers = sizeOf(rows.shape);
    return numbers >= BLOCKED.numbers && numbers >= BLOCKED.values * rows.shape[0];
  });
}

/**
 * The same where the kernels have at most `most` numbers.
 * @param inBlocks makes an instance that does passes over the data in blocks of items, where that is
 * faster; the run then waits for it (`emRun`)
 */
export function planEmWithin(
  conditioned: Conditioned,
  make: MakeInstance,
  options: EmOptions,
  most: number,
  inBlocks?: (kernels: StagedKernels) => KernelInstance,
): EmPlan | EmRefusal | EmTooLarge {
  const prepare = (joint: ExpectedJoint, latents: readonly string[]): Prepared | EmTooLarge => {
    if (inBlocks !== undefined && latents.length === 0 && areBlocked(joint.factors)) {
      const staged = stageAscent(joint);
      if (staged.kind === "staged" && staged.sum?.groups.every(isLoneElements) === true) {
        return { kernels: staged, instance: inBlocks(staged) };
      }
    }
    const points = joint.sites.flatMap((s, k) => (s.kind === "point" ? [k] : []));
    const kernels = compileAscent(joint, { pointGradients: points });
    const numbers = kernels.module.buffers.reduce((n, b) => n + b.length, 0);
    if (numbers > most) return { kind: "too_large", numbers };
    return { kernels, instance: make(kernels.module) };
  };
  const products = (direct: DirectJoint): number | undefined =>
    inBlocks !== undefined && areBlocked(direct.factors) ? MOST_STAGED : undefined;
  return planWith(conditioned, make, options, prepare, products);
}

const isLoneElements = (g: Group): boolean => g.kind === "aligned" && g.width === 1;

/**
 * The same with passes over the data left to a device: `stage` makes an instance that answers for
 * them, of kernels whose module is the host's part.
 * @param isSingle whether the device counts in single precision
 * @param takesIterations whether the device is to take whole iterations, M-steps too
 * @returns what stands in the way where the passes cannot be told apart from the rest
 */
export function planStagedEm(
  conditioned: Conditioned,
  make: MakeInstance,
  options: EmOptions,
  isSingle: boolean,
  stage: (kernels: StagedKernels) => KernelInstance,
  takesIterations = true,
): EmPlan | EmRefusal | NotStaged {
  const most = (): number | undefined => (isSingle ? undefined : MOST_STAGED);
  let staged: StagedKernels | undefined;
  const prepare = (joint: ExpectedJoint, latents: readonly string[]): Prepared | NotStaged => {
    const [latent] = latents;
    if (latent !== undefined) {
      const step = `the E-step of \`${latent}\``;
      return { kind: "not_staged", step, reason: "continuous sites are integrated out on the CPU" };
    }
    const kernels = stageAscent(joint, isSingle);
    if (kernels.kind === "not_staged") return kernels;
    staged = kernels;
    return { kernels, instance: stage(kernels) };
  };
  const plan = planWith(conditioned, make, options, prepare, most);
  if (plan.kind !== "plan" || staged === undefined || !takesIterations) return plan;
  const chained = isSingle && staged.sum?.groups.every(isLoneElements) !== true;
  if (chained) {
    // Each step of a chain is a dispatch of its own: as many a call as a pass has are enough.
    const reason = "its elements hang together, and a pass takes a step for each of them";
    const [{ name }] = staged.discrete;
    return { ...plan, iteration: { kind: "host", name, reason } };
  }
  return { ...plan, iteration: iterationOf(staged, plan.parameters, isSingle) };
}

interface Prepared {
  readonly kernels: AscentKernels;
  readonly instance: KernelInstance;
}

function planWith<Other extends { readonly kind: string }>(
  conditioned: Conditioned,
  make: MakeInstance,
  options: EmOptions,
  prepare: (joint: ExpectedJoint, latents: readonly string[]) => Prepared | Other,
  mostProducts: (direct: DirectJoint) => number | undefined,
): EmPlan | EmRefusal | Other {
  const named = parameterNames(conditioned, options.maximise ?? []);
  if (!Array.isArray(named)) return named as EmRefusal;
  const names = new Set<string>(named);
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined));
  const joint = expectedJoint(conditioned, names, mostProducts);
  if ("kind" in joint) return joint;
  const isParameter = (s: ExpectedSite): boolean => names.has(s.direct.latent.name);
  const latents = joint.sites.flatMap((s): LatentFactor[] => {
    const latent = isParameter(s) ? undefined : latentFactor(s);
    return latent === undefined ? [] : [latent];
  });
  const pointNames = joint.sites.flatMap((s) => {
    return s.kind === "point" && !isParameter(s) ? [s.direct.latent.name] : [];
  });
  const prepared = prepare(joint, [...latents.map((l) => l.name), ...pointNames]);
  if (!("kernels" in prepared)) return prepared;
  const { kernels, instance } = prepared;
  const expected = new Expected(joint, kernels, instance);
  const coordinates = coordinateKernels(conditioned, named);
  const bound = coordinates.bind(make(coordinates.module));
  const ofPoints = coordinateKernels(conditioned, pointNames);
  const pointLatents = ofPoints.bind(make(ofPoints.module)).map((c): PointLatent => {
    const site = joint.sites.findIndex((s) => s.direct.latent.name === c.latent.name);
    return { site, name: c.latent.name, coordinates: c };
  });
  const parameters = joint.sites.flatMap((s, site): Parameter[] => {
    if (!isParameter(s)) return [];
    const { latent, supports } = s.direct;
    const last = latent.dims[latent.dims.length - 1] ?? 1;
    const shape = { supports, length: latent.length, last };
    const closed =
      s.kind === "point"
        ? undefined
        : closedForm(
            shape,
            s.statistics.map((t) => t.statistic),
          );
    const own = bound.find((c) => c.latent.name === latent.name);
    return [
      {
        name: latent.name,
        site,
        expected: s,
        closed,
        coordinates: own ?? internalError(`no coordinates of ${latent.name}`),
        side: sideOf(s),
      },
    ];
  });
  for (const [name, values] of options.start ?? []) {
    const reason = startProblem(parameters, name, values);
    if (reason !== undefined) return { kind: "refused", site: name, reason };
  }
  placeParameters(expected, parameters);
  return {
    kind: "plan",
    conditioned,
    options: { ...DEFAULTS, ...given },
    kernels,
    expected,
    parameters: [...parameters].sort((a, b) => rank(a) - rank(b)),
    eStep:
      pointLatents.length > 0
        ? variationalEStep(expected, pointLatents, latents)
        : chooseEStep(expected, latents),
    latents: [
      ...latents.map(({ site, name, length }) => ({ site, name, length })),
      ...pointLatents.map(({ site, name, coordinates: c }) => {
        return { site, name, length: c.latent.length };
      }),
    ],
  };
}

/** How far a starting value may be from one that its support allows, relative. */
const START_TOLERANCE = 1e-6;

/** What is wrong with a starting value. */
function startProblem(
  parameters: readonly Parameter[],
  name: string,
  values: Float64Array,
): string | undefined {
  const found = parameters.find((p) => p.name === name);
  if (found === undefined) return "a start is given for it, but it is not maximised";
  const { coordinates } = found;
  const { length } = coordinates.latent;
  if (values.length !== length) {
    return `its start has ${values.length} numbers, and it has ${length}`;
  }
  const u = coordinates.free(values);
  // Values on the edge have infinite coordinates, values outside none.
  const isEdge = u.some((x) => Math.abs(x) === Infinity);
  const back = isEdge ? values : coordinates.own(u);
  const isInside = values.every((v, i) => {
    return Math.abs(back[i] - v) <= START_TOLERANCE * Math.max(1, Math.abs(v));
  });
  return isInside && !u.some(Number.isNaN) ? undefined : "its start lies outside its support";
}

/** Locations, then everything else with a closed form, then what is climbed. */
function rank({ closed, expected }: Parameter): number {
  if (closed === undefined) return 2;
  const isLocation =
    expected.kind === "statistics" &&
    expected.statistics.some(({ statistic: s }) => s.kind === "products");
  return isLocation ? 0 : 1;
}

function sideOf({ direct }: ExpectedSite): number {
  const matrices = new Set(["cov", "corr", "cholesky_cov", "cholesky_corr"]);
  const isMatrix = direct.supports.some((s) => matrices.has(s.kind));
  return isMatrix ? (direct.latent.dims[direct.latent.dims.length - 1] ?? 1) : 1;
}

/** Every param, and the sites that are named. */
function parameterNames(
  { model, observed }: Conditioned,
  maximise: readonly string[],
): string[] | EmRefusal {
  const refuse = (site: string, reason: string): EmRefusal => ({ kind: "refused", site, reason });
  const sites = model.variables.filter((v) => v.role !== "let");
  for (const name of maximise) {
    const found = sites.find((v) => v.name === name);
    if (found === undefined) {
      const near = nearestNames(
        name,
        sites.map((v) => v.name),
      );
      const hint = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
      return refuse(name, `the model has no site of this name${hint}`);
    }
    if (isDiscrete(found.support)) {
      return refuse(name, "it is discrete; discrete sites are summed out");
    }
    const given = observed.get(name);
    if (given !== undefined) {
      const some = given.missing === undefined ? "" : " in part";
      return refuse(name, `it is observed${some}`);
    }
  }
  const wanted = new Set(maximise);
  const names = sites.flatMap((v) => (v.role === "param" || wanted.has(v.name) ? [v.name] : []));
  if (names.length > 0) return names;
  const latent = sites.filter((v) => !observed.has(v.name));
  const candidates = latent.filter((v) => !isDiscrete(v.support));
  // Without params: the modes of what is not one an item, where something is left to sum out.
  const firsts = sites.flatMap((v) => {
    return observed.has(v.name) && v.type.dims[0] ? [printSize(v.type.dims[0])] : [];
  });
  // A number in the text is no count of items beside a size of the data.
  const sized = firsts.filter((s) => !/^\d+$/.test(s));
  const items = new Set(sized.length > 0 ? sized : firsts);
  const shared = candidates.filter((v) => !v.type.dims[0] || !items.has(printSize(v.type.dims[0])));
  if (shared.length > 0 && shared.length < latent.length) return shared.map((v) => v.name);
  const hint = candidates.map((v) => v.name).join(", ");
  const ask = `name the sites to maximise, of ${hint || "which it has none"}`;
  const isMode = shared.length > 0 && shared.length === latent.length;
  const reason = isMode
    ? "the model has no param, and no site of it is discrete or an item's own, to be integrated " +
      `out: \`map\` finds the mode of all sites; for \`em\`, ${ask}`
    : `the model has no param; ${ask}`;
  return refuse(candidates[0]?.name ?? model.name, reason);
}

/** Parameters that no statistics separate are points, and so are latent sites without a factor. */
function expectedJoint(
  conditioned: Conditioned,
  parameters: ReadonlySet<string>,
  mostProducts: (direct: DirectJoint) => number | undefined,
): ExpectedJoint | EmRefusal {
  const points = new Set<string>();
  for (;;) {
    const direct = buildDirectJoint(conditioned, new Set(), "em");
    const found = expectJoint(direct, points, mostProducts(direct));
    // Parameters first: a latent site that meets none but points may have statistics after all.
    let blocked: readonly string[];
    if (isNotMultilinear(found)) {
      const names = found.sites.map((s) => s.name);
      const moved = names.filter((n) => parameters.has(n));
      blocked = moved.length > 0 ? moved : names;
      const again = found.sites.find((s) => points.has(s.name));
      if (again !== undefined) return { kind: "refused", site: again.name, reason: again.reason };
    } else {
      blocked = found.sites.flatMap((s) => {
        const { name } = s.direct.latent;
        const isLatent = s.kind === "statistics" && !parameters.has(name);
        return isLatent && factorOf(s) === undefined ? [name] : [];
      });
      if (blocked.length === 0) return found;
    }
    for (const name of blocked) points.add(name);
  }
}

function latentFactor(site: ExpectedSite): LatentFactor | undefined {
  if (site.kind === "point") return undefined;
  const factor = factorOf(site);
  if (factor === undefined) return undefined;
  const { latent } = site.direct;
  const statistics = site.statistics.map((s) => s.statistic);
  const side = sideOf(site);
  return {
    site: site.site,
    name: latent.name,
    length: latent.length,
    factor,
    begin: (rng) => {
      const at = neutralPoint(site, rng);
      return site.statistics.map((s, j) => {
        const out = new Float64Array(s.input.shape.reduce((n, d) => n * d, 1));
        statisticAt(statistics[j], at, side, out);
        return out;
      });
    },
  };
}

/** A parameter at standard normal unconstrained numbers. */
export function randomPoint({ coordinates }: Parameter, rng: RandomStream): Float64Array {
  return coordinates.own(Float64Array.from({ length: coordinates.freeLength }, () => rng.normal()));
}

/** A point in the middle of a site's support, away from symmetry where the support allows. */
function neutralPoint({ direct }: ExpectedSite, rng: RandomStream): Float64Array {
  const { length, dims } = direct.latent;
  const [first] = direct.supports;
  const last = dims[dims.length - 1] ?? 1;
  const fill = (f: (i: number) => number) => Float64Array.from({ length }, (_, i) => f(i));
  switch (first?.kind) {
    case "simplex":
      return fill(() => 1 / last);
    case "unit":
      return fill(() => 0.25 + 0.5 * rng.uniform());
    case "positive":
    case "nonnegative":
      return fill(() => 0.5 + rng.uniform());
    case "cov":
      return fill((i) => (Math.floor(i / last) % last === i % last ? 1 : 0));
    default:
      return fill(() => rng.normal());
  }
}

/** The exact step where there is one, mean field where not. */
function chooseEStep(expected: Expected, latents: readonly LatentFactor[]): EStep {
  const reads = couplings(expected, latents);
  const pairs = reads.filter((r) => r.latents.length + (r.hasDiscrete ? 1 : 0) > 1);
  if (pairs.length === 0) return factorisedEStep(expected, latents, true);
  const coupled = new Set(pairs.flatMap((p) => p.latents));
  if (coupled.size === 1 && latents.length === 1) {
    const attachment = findAttachment(expected, latents[0]);
    if (attachment !== undefined) return conditionalEStep(expected, attachment);
  }
  if (latents.length > 1 && kernelsAreContinuous(expected)) {
    const blocks = findJointBlocks(expected, latents);
    if (blocks !== undefined) return jointNormalEStep(expected, blocks);
  }
  return factorisedEStep(expected, latents, false);
}

const kernelsAreContinuous = (expected: Expected): boolean => expected.tables.length === 0;

/** Parameters away from zeros, where couplings cannot hide from probes. */
function placeParameters(expected: Expected, parameters: readonly Parameter[]): void {
  const mStep = new MStep(expected, parameters);
  parameters.forEach((p, k) => {
    mStep.set(k, randomPoint(p, stream(PROBE_SEED, 0, k, 0)));
  });
}
const PROBE_SEED = 19_770_601;

/** Which latent sites each part of the log joint reads together. */
function couplings(
  { joint, kernels }: Expected,
  latents: readonly LatentFactor[],
): { readonly latents: readonly LatentFactor[]; readonly hasDiscrete: boolean }[] {
  const parts = [
    ...joint.terms.map((node) => ({ node, hasDiscrete: false })),
    ...kernels.patterns.map((p) => ({ node: p.table, hasDiscrete: true })),
  ];
  return parts.map(({ node, hasDiscrete }) => {
    const inputs = new Set(topological([node]).filter((n) => n.op === "input"));
    const found = latents.filter((l) => inputsOf(joint.sites[l.site]).some((n) => inputs.has(n)));
    return { latents: found, hasDiscrete };
  });
}

/** One line for each step, for `explain`. */
export function describeEm({ eStep, parameters, latents, kernels }: EmPlan): string[] {
  const lines: string[] = [];
  if (latents.length + kernels.discrete.length > 0) lines.push(`E-step: ${eStep.description}`);
  for (const p of parameters) {
    const how = p.closed?.name ?? "steps of L-BFGS on the expected log joint";
    lines.push(`M-step: ${p.name} by ${how}`);
  }
  const isStaged = latents.length === 0 && kernels.discrete.length > 0;
  if (!isStaged || parameters.some((p) => p.expected.kind === "point")) return lines;
  const host = hostStep(parameters);
  const there =
    host === undefined
      ? "whole iterations"
      : `E-steps; M-steps here, as of ${host.name} ${host.reason}`;
  return [...lines, `on a device: ${there}`];
}
