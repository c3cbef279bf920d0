/**
 * The kernels of an expected joint as EM uses them: statistics of parameters (at their values) and
 * of latent sites (under q) go in, tables, counts and natural parameters come out.
 */

import { type AscentKernels, inputsOf, names } from "../ascent/compile.js";
import type { KernelInstance } from "../contract.js";
import type { ExpectedJoint } from "../expectation/contract.js";

export class Expected {
  /** `[site][statistic]`; of a point its values. Live. */
  readonly statistics: readonly (readonly Float64Array[])[];
  readonly tables: readonly Float64Array[];
  readonly counts: readonly Float64Array[];
  readonly #natural: readonly (readonly Float64Array[])[];
  readonly #instance: KernelInstance;

  constructor(
    readonly joint: ExpectedJoint,
    readonly kernels: AscentKernels,
    instance: KernelInstance,
  ) {
    this.#instance = instance;
    const { sites } = joint;
    this.statistics = sites.map((s, k) => {
      return inputsOf(s).map((n, j) => view(instance, names.statistic(k, j), n.shape));
    });
    this.#natural = sites.map((s, k) => {
      if (s.kind === "point") return [];
      return inputsOf(s).map((n, j) => view(instance, names.natural(k, j), n.shape));
    });
    const { patterns } = kernels;
    this.tables = patterns.map((p, k) => view(instance, names.table(k), p.table.shape));
    this.counts = patterns.map((p, k) => view(instance, names.counts(k), p.table.shape));
  }

  /** The gradient of E log p in each statistic of a site, at the counts that stand there; live. */
  natural(k: number): readonly Float64Array[] {
    if (this.#natural[k].length > 0) this.#instance.call(names.update(k));
    return this.#natural[k];
  }
  /** The gradient of E log p in the values of a point; a copy. */
  pointGradient(k: number): Float64Array {
    const name = names.pointGradient(k);
    this.#instance.call(name);
    return view(this.#instance, name, this.joint.sites[k].direct.input.shape).slice();
  }
  /** Fills the tables at the statistics. */
  refreshTables(): void {
    if (this.tables.length > 0) this.#instance.call("tables");
  }
  /** From the tables: counts, and the log of the sum over all assignments (0 without discrete). */
  sumDiscrete(): number {
    return this.tables.length > 0 ? this.#instance.call("discrete") : 0;
  }
  /** E log p of what reads no discrete site. */
  terms(): number {
    return this.#instance.call("terms");
  }
  /** Σ counts · tables of the tables as they stand. */
  energy(): number {
    let total = 0;
    this.tables.forEach((table, p) => {
      const counts = this.counts[p];
      for (let i = 0; i < table.length; i++) if (counts[i] !== 0) total += counts[i] * table[i];
    });
    return total;
  }
  /** `[elements, K]` of each discrete site, from the tables as they stand. */
  marginals(): Float64Array[] {
    if (this.tables.length > 0) this.#instance.call("marginals");
    return this.kernels.discrete.map((s, k) => {
      const elements = s.dims.reduce((n, d) => n * d, 1);
      return view(this.#instance, names.marginals(k), [elements, s.count]).slice();
    });
  }
}

function view(instance: KernelInstance, name: string, shape: readonly number[]): Float64Array {
  const length = shape.reduce((n, d) => n * d, 1);
  return instance.f64(name).subarray(0, length);
}
