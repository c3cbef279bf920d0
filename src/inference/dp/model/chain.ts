/** A chain of a planned Dirichlet-process mixture, and its draws by the model's names. */
import type { DataValue } from "../../../model/data.js";
import type { MakeInstance } from "../../conditionals/kernels.js";
import type { ChainKey } from "../../contract.js";
import { type DpDraws, type DpOptions, type DpProgress, runDp } from "../samplers/run.js";
import { dpChainModel } from "./cluster-model.js";
import type { DpPlan } from "./dp-plan.js";

export interface DpChain {
  readonly draws: DpDraws;
  /** `[draws, latent scalars of plan.structure.globals in turn]`, in the model's coordinates. */
  readonly globals: Float64Array;
}

/**
 * Runs a chain in a workspace of its own.
 * @param options checked by the caller; see `runDp`
 */
export function runDpChain(
  plan: DpPlan,
  make: MakeInstance,
  options: DpOptions,
  key: ChainKey,
  shouldStop: () => boolean = () => false,
  onProgress: (progress: DpProgress) => void = () => {},
): DpChain {
  const model = dpChainModel(plan, make, key);
  const width = globalWidth(plan);
  const globals = new Float64Array(options.draws * width);
  let kept = 0;
  const draws = runDp(model, options, key, shouldStop, (progress) => {
    if (progress.phase === "sampling" && progress.done % options.thin === 0 && width > 0) {
      globals.set(model.globals(), kept++ * width);
    }
    onProgress(progress);
  });
  return { draws, globals };
}

const globalWidth = ({ structure }: DpPlan): number =>
  structure.globals.reduce((n, s) => n + s.length, 0);

/**
 * The latent sites of draw t by name: labels, components `[clusters, …]` in the order of the labels,
 * α, and the sites outside the plate (those observed in part with the given entries).
 */
export function valuesOf(plan: DpPlan, chain: DpChain, t: number): Map<string, DataValue> {
  const { structure, layout, conditioned } = plan;
  const { draws, globals } = chain;
  const { items, width } = draws;
  const out = new Map<string, DataValue>();
  const labels = draws.labels.subarray(t * items, (t + 1) * items);
  out.set(structure.plate.label, { dims: structure.labelDims, data: Float64Array.from(labels) });
  if (structure.concentrationName !== undefined) {
    out.set(structure.concentrationName, { dims: [], data: Float64Array.of(draws.alpha[t]) });
  }
  const clusters = draws.clusters[t];
  const arrays = structure.components.map(({ name, dims, length }) => {
    const data = new Float64Array(clusters * length);
    out.set(name, { dims: [clusters, ...dims], data });
    return { data, length };
  });
  layout.forEach(({ component, element }, j) => {
    const { data, length } = arrays[component];
    for (let c = 0; c < clusters; c++) {
      data[c * length + element] = draws.thetas[(draws.offsets[t] + c) * width + j];
    }
  });
  let at = t * globalWidth(plan);
  for (const { name, dims, length } of structure.globals) {
    const own = globals.subarray(at, at + length);
    at += length;
    const given = conditioned.observed.get(name);
    let next = 0;
    const data = given?.data.map((v, i) => (given.missing?.[i] === 1 ? own[next++] : v));
    out.set(name, { dims, data: data ?? own });
  }
  return out;
}
