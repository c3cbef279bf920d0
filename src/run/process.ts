/**
 * Runs of models with an unbounded plate: Gibbs samplers of Dirichlet-process mixtures, and their
 * truncated mean-field approximation. Draws of labels count clusters in the order of their first
 * items; what does not depend on labels is read by `Posterior.clusters()`.
 */
import { type Diagnostic, diagnostic, fail } from "../base/diagnostic.js";
import type { GraphDevice } from "../device/contract.js";
import { planCavi } from "../inference/cavi/index.js";
import {
  ascendDp,
  DP_DEFAULTS,
  DP_VARIATIONAL_DEFAULTS,
  type DpOptions,
  type Partitions,
  truncationError,
} from "../inference/dp/index.js";
import { type DpChain, dpChainSteps } from "../inference/dp/model/chain.js";
import { dpChainModel } from "../inference/dp/model/cluster-model.js";
import type { DpPlan } from "../inference/dp/model/dp-plan.js";
import { planDp } from "../inference/dp/model/plan.js";
import { truncatedModel } from "../inference/dp/model/truncated.js";
import { stream } from "../math/rng/random.js";
import { ascend } from "./cavi.js";
import { partitionsOf } from "./clusters.js";
import { type Run, refuseParams } from "./context.js";
import { choiceFigures, choose } from "./device/auto.js";
import { chainsOnDevice, type DeviceChains, sweepSeconds } from "./device/process.js";
import { makeInstance } from "./gibbs-chain.js";
import type { CaviOptions, GibbsOptions } from "./methods.js";
import { massesOf, partitionFigure, processFit, TRUNCATION_LIMIT } from "./process-fit.js";
import type { FitData, VariableDraws } from "./results/fit.js";
import { readVariables } from "./results/readout.js";
import { beginStream, type Streamed } from "./storage/begin.js";
import { openJournal, sizeOfMixture } from "./storage/journal.js";

/** Chains of the sampler that `method` chooses. @throws TildeError where the model is out of reach */
export async function sampleProcess(run: Run, method: GibbsOptions): Promise<FitData> {
  const { conditioned, seed } = run;
  refuseParams(conditioned, "gibbs");
  const plan = planDp(conditioned, makeInstance, "gibbs");
  const settings = optionsOf(plan, method);
  const { device, figures } = await placeOf(run, plan, settings, method.chains);
  const on = device && ({ device: device.name, apart: true } as const);
  const streamed = beginStream(run, method, { latents: [] }, ["lp"], on);
  const found =
    device === undefined
      ? await chainsHere(run, plan, settings, method.chains, streamed)
      : await chainsOnDevice(run, plan, settings, method.chains, device, streamed);
  const { chains, interrupted, compiled } = found;
  const fit = processFit(plan, chains);
  return {
    ...fit,
    conditioned,
    method: "gibbs",
    ...(streamed !== undefined && { stored: streamed.directory }),
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiled) / 1000,
      gradients: 0,
    },
    seed,
    interrupted,
    warmup: method.warmup,
    warnings: [...found.warnings, ...fit.warnings],
    figures: { ...figures, ...fit.figures },
  };
}

/** Sweeps by which the CPU is timed. */
const TRIALS = 3;

/**
 * Where the chains run: the device of the run; the fastest, where the choice is left open and the
 * algorithm is the one that devices have; else the CPU.
 */
async function placeOf(
  run: Run,
  plan: DpPlan,
  settings: DpOptions,
  chains: number,
): Promise<{ readonly device?: GraphDevice; readonly figures: FitData["figures"] }> {
  const { device, shelf, seed } = run;
  if (device !== undefined) return { device, figures: { device: device.name } };
  if (shelf === undefined) return { figures: {} };
  if (settings.algorithm !== "blocked") return { figures: { device: "cpu" } };
  const { warmup, draws, thin } = settings;
  const trial = { ...settings, warmup: 1, draws: TRIALS, thin: 1 };
  const steps = dpChainSteps(plan, makeInstance, trial, { seed, chain: 0 }, {});
  // Behind a sweep of warmup: a start is no sweep.
  steps.next();
  const begin = performance.now();
  while (steps.next().done !== true);
  const here = (performance.now() - begin) / 1000 / TRIALS;
  const choice = await choose(shelf, here, chains * (warmup + draws * thin), (d) =>
    sweepSeconds(run, plan, settings, d),
  );
  return { device: choice.device, figures: choiceFigures(choice) };
}

/** How long a chain works between looks at timers and signals. */
const SLICE_MS = 15;

/** Chains on the CPU, in this thread. */
async function chainsHere(
  run: Run,
  plan: DpPlan,
  settings: DpOptions,
  count: number,
  streamed: Streamed | undefined,
): Promise<DeviceChains> {
  const { seed, options } = run;
  const compiled = performance.now();
  const chains: DpChain[] = [];
  let slice = compiled;
  const shouldStop = (): boolean => options.signal?.aborted === true;
  for (let chain = 0; chain < count && !shouldStop(); chain++) {
    const journal = streamed && openJournal(streamed.job, chain, sizeOfMixture(plan));
    try {
      const controls = { shouldStop, ...journal };
      const steps = dpChainSteps(plan, makeInstance, settings, { seed, chain }, controls);
      for (;;) {
        const step = steps.next();
        if (step.done) {
          if (step.value.draws.draws > 0) chains.push(step.value);
          break;
        }
        const { phase, done: at, total } = step.value;
        // The samplers tell of every sweep.
        if (at % 50 === 0 || at === total) {
          const place = { phase, done: at, total, divergences: 0, gradients: 0, stepSize: 0 };
          options.onProgress?.({ ...place, chain });
        }
        if (performance.now() - slice < SLICE_MS) continue;
        await new Promise((resolve) => setImmediate(resolve));
        slice = performance.now();
      }
    } finally {
      journal?.close();
    }
  }
  const isWhole = chains.length === count && chains.every((c) => c.draws.kind === "finished");
  return { chains, interrupted: !isWhole, warnings: [], compiled };
}

/** The sampler's options; an algorithm that the model does not allow is refused here. */
function optionsOf(plan: DpPlan, method: GibbsOptions): DpOptions {
  const { warmup, draws, thin, algorithm, splitMerge, auxiliaries, truncation } = method;
  const needsConjugate = algorithm === "collapsed" || algorithm === "instantiated";
  if (needsConjugate && plan.arrangement === undefined) {
    fail("process_not_conjugate", plan.structure.plate.span, { algorithm });
  }
  return {
    ...DP_DEFAULTS,
    warmup,
    draws,
    thin,
    algorithm,
    splitMerge,
    auxiliaries,
    ...(truncation === undefined ? {} : { truncation }),
  };
}

/** What a sweep does, a line each; for `explain`. */
export function describeProcess({ structure, arrangement }: DpPlan, method: string): string[] {
  const { plate, components, globals, concentration, concentrationName } = structure;
  const names = components.map((c) => c.name).join(", ");
  const isConjugate = arrangement !== undefined;
  const labels =
    method === "cavi"
      ? "responsibilities, truncated stick-breaking (Blei & Jordan 2006)"
      : isConjugate
        ? "label by label, components integrated out (Neal 2000, algorithm 3), split–merge moves"
        : "label by label with auxiliary components (Neal 2000, algorithm 8), split–merge moves";
  const parts = isConjugate
    ? `${names}: conjugate to the items of a cluster`
    : `${names}: updated given the items of each cluster, site by site`;
  const alpha =
    concentration.kind === "fixed"
      ? []
      : [`${concentrationName}: concentration, given the number of clusters`];
  return [
    `${plate.label}: ${labels}`,
    parts,
    ...alpha,
    ...globals.map((g) => `${g.name}: given the components`),
  ];
}

/** The truncated mean-field approximation (Blei & Jordan 2006), and draws from it. */
export async function ascendProcess(run: Run, method: CaviOptions): Promise<FitData> {
  const { conditioned, seed } = run;
  refuseParams(conditioned, "cavi");
  const plan = planDp(conditioned, makeInstance, "cavi");
  // A device has programs for finite models alone.
  const isTruncated = !isCollapsed(plan) || run.device !== undefined;
  if (isTruncated) return await ascendTruncated(run, method, plan);
  const { structure } = plan;
  const { plate } = structure;
  const model = dpChainModel(plan, makeInstance, { seed, chain: 0 });
  const compiled = performance.now();
  const found = ascendDp(
    model,
    {
      ...DP_VARIATIONAL_DEFAULTS,
      iterations: method.maxIterations,
      tolerance: method.tolerance,
      restarts: method.restarts,
      ...(method.truncation === undefined ? {} : { truncation: method.truncation }),
    },
    { seed, chain: 0 },
  );
  const { items } = structure;
  const { truncation, responsibilities } = found;
  const labels = new Int32Array(method.draws * items);
  for (let t = 0; t < method.draws; t++) {
    const rng = stream(seed, 0, LABEL_SITE, t);
    const order = new Map<number, number>();
    for (let i = 0; i < items; i++) {
      const c = rng.categorical(responsibilities.subarray(i * truncation, (i + 1) * truncation));
      let known = order.get(c);
      if (known === undefined) {
        known = order.size;
        order.set(c, known);
      }
      labels[t * items + i] = known;
    }
  }
  const partitions: Partitions = { items, draws: method.draws, labels };
  const clusters = Float64Array.from({ length: method.draws }, (_, t) => {
    return labels.subarray(t * items, (t + 1) * items).reduce((m, c) => Math.max(m, c + 1), 0);
  });
  const warnings: Diagnostic[] = [];
  if (!found.converged) {
    const [before, last] = found.history.slice(-2);
    const change = Math.abs((last ?? 0) - (before ?? 0)) / Math.max(1, Math.abs(last ?? 0));
    const { iterations } = found;
    warnings.push(diagnostic("not_converged", undefined, { method: "cavi", iterations, change }));
  }
  if (found.truncationError > TRUNCATION_LIMIT) {
    const params = { components: truncation, error: found.truncationError };
    warnings.push(diagnostic("truncation_matters", undefined, params));
  }
  const whole = new Map<string, VariableDraws>();
  const { concentration, concentrationName } = structure;
  if (concentration.kind !== "fixed" && concentrationName !== undefined) {
    const rng = stream(seed, 0, ALPHA_SITE, 0);
    const data = Float64Array.from({ length: method.draws }, () => found.alpha.draw(rng));
    whole.set(concentrationName, { data, shape: [1, method.draws] });
  }
  whole.set(plate.label, {
    data: Float64Array.from(labels),
    shape: [1, method.draws, ...structure.labelDims],
  });
  return {
    conditioned,
    method: "cavi",
    latents: [],
    chains: [{ values: new Float64Array(0), draws: method.draws, statistics: {} }],
    whole,
    process: { plan, chains: [], partitions, label: plate.label },
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiled) / 1000,
      gradients: 0,
    },
    seed,
    isPoint: false,
    interrupted: false,
    warmup: 0,
    warnings,
    figures: {
      elbo: { final: found.elbo, history: [...found.history] },
      converged: found.converged,
      iterations: found.iterations,
      restarts: [...found.bounds],
      weights: Array.from(found.weights),
      truncation: { components: truncation, error: found.truncationError },
      clusters: { probabilities: massesOf(clusters) },
      ...partitionFigure(partitions),
    },
  };
}

/** Whether the truncated approximation is that of components integrated out. */
function isCollapsed({ arrangement, structure }: DpPlan): boolean {
  return arrangement !== undefined && structure.globals.length === 0;
}

/** Components of the truncated model, where nothing else is asked for. */
const TRUNCATION = 20;

/**
 * The truncated model like every finite one: components that are not conjugate as a whole, and
 * sites outside the plate, have factors of their own.
 */
async function ascendTruncated(run: Run, method: CaviOptions, plan: DpPlan): Promise<FitData> {
  const count = Math.max(2, method.truncation ?? Math.min(TRUNCATION, plan.structure.items));
  const { conditioned } = truncatedModel(run.conditioned, count);
  const fit = await ascend({ ...run, conditioned }, method);
  const { label } = plan.structure.plate;
  const labels = readVariables(fit, [label]).get(label);
  if (labels === undefined || fit.chains.length === 0) return fit;
  const partitions = canonicalPartitions(partitionsOf(label, labels));
  const { alpha } = { alpha: meanConcentration(fit, plan) };
  const error = truncationError(plan.structure.items, alpha, count);
  const warnings = [...fit.warnings];
  if (error > TRUNCATION_LIMIT) {
    warnings.push(diagnostic("truncation_matters", undefined, { components: count, error }));
  }
  const clusters = Float64Array.from({ length: partitions.draws }, (_, t) => {
    const row = partitions.labels.subarray(t * partitions.items, (t + 1) * partitions.items);
    return row.reduce((m, c) => Math.max(m, c + 1), 0);
  });
  return {
    ...fit,
    process: { plan, chains: [], partitions, label },
    warnings,
    figures: {
      ...fit.figures,
      truncation: { components: count, error },
      clusters: { probabilities: massesOf(clusters) },
      ...partitionFigure(partitions),
    },
  };
}

function meanConcentration(fit: FitData, { structure }: DpPlan): number {
  const { concentration, concentrationName } = structure;
  if (concentration.kind === "fixed") return concentration.value;
  return fit.exact?.get(concentrationName ?? "")?.mean ?? 1;
}

/** Labels in the order of their first items. */
function canonicalPartitions({ items, draws, labels }: Partitions): Partitions {
  const out = new Int32Array(labels.length);
  for (let t = 0; t < draws; t++) {
    const order = new Map<number, number>();
    const row = labels.subarray(t * items, (t + 1) * items);
    for (let i = 0; i < items; i++) {
      const c = row[i];
      const known = order.get(c) ?? order.size;
      order.set(c, known);
      out[t * items + i] = known;
    }
  }
  return { items, draws, labels: out };
}

/** @throws TildeError where the truncated model is out of reach of coordinate ascent */
export function refuseVariational(plan: DpPlan): void {
  if (!isCollapsed(plan)) planCavi(truncatedModel(plan.conditioned, 2).conditioned, makeInstance);
}

const LABEL_SITE = 0x52000001;
const ALPHA_SITE = 0x52000002;
