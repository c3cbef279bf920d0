/** Posteriors of θ given the items of a cluster. */
import { internalError } from "../../../base/internal.js";
import type { RandomStream } from "../../../math/rng/random.js";
import type { ClusterModel, ConjugateComponents } from "../contract.js";
import type { Partition } from "./partition.js";
import type { ClusterTable } from "./tables/contract.js";

/** Fills a row from the items of its cluster, but for one. */
export function fillRow(
  table: ClusterTable,
  partition: Partition,
  row: number,
  without: number,
): void {
  const slot = partition.slotOf[row];
  table.clear(row);
  for (let j = 0; j < partition.items; j++) {
    if (j !== without && partition.slots[j] === slot) table.add(row, j);
  }
}

/** η_c of each cluster, `[count · statistics]`. */
export function posteriorNaturals(
  components: ConjugateComponents,
  labels: Int32Array,
  count: number,
): Float64Array {
  const prior = components.prior();
  const s = components.contributions();
  const width = prior.length;
  const etas = new Float64Array(count * width);
  for (let c = 0; c < count; c++) etas.set(prior, c * width);
  for (let i = 0; i < labels.length; i++) {
    const at = labels[i] * width;
    for (let k = 0; k < width; k++) etas[at + k] += s[i * width + k];
  }
  return etas;
}

/** Writes a draw of the family as a row. */
export function writeRow(
  model: ClusterModel,
  components: ConjugateComponents,
  eta: Float64Array,
  thetas: Float64Array,
  row: number,
  rng: RandomStream,
): void {
  const x = components.family.sample(eta, components.setting, rng);
  if (components.write !== undefined) {
    components.write(x, thetas, row);
    return;
  }
  if (x.length !== model.width) {
    internalError(`a draw of ${x.length} numbers for a row of ${model.width}`);
  }
  thetas.set(x, row * model.width);
}

/** Independent draws of θ_c given the items of each cluster, into rows c < count. */
export function posteriorDraw(model: ClusterModel, components: ConjugateComponents) {
  return (thetas: Float64Array, count: number, labels: Int32Array, rng: RandomStream): void => {
    const etas = posteriorNaturals(components, labels, count);
    const width = etas.length / count;
    for (let c = 0; c < count; c++) {
      const eta = etas.subarray(c * width, (c + 1) * width);
      writeRow(model, components, eta, thetas, c, rng);
    }
  };
}

/**
 * log ∫ Π_i K(y_i | θ_{z_i}) Π_c dP₀(θ_c) of a labelling, from scratch.
 */
export function logMarginalLikelihood(
  components: ConjugateComponents,
  labels: Int32Array,
  count: number,
): number {
  const { family, setting } = components;
  const etas = posteriorNaturals(components, labels, count);
  const width = etas.length / count;
  const prior = family.logNormaliser(components.prior(), setting);
  let sum = components.offsets().reduce((total, b) => total + b, 0);
  for (let c = 0; c < count; c++) {
    sum += family.logNormaliser(etas.subarray(c * width, (c + 1) * width), setting) - prior;
  }
  return sum;
}
