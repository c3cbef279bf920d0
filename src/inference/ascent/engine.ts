/**
 * Coordinate ascent on E log p + entropy, one factor of q at a time: each update is the exact
 * maximum given the other factors (Bishop 2006, section 10.1). It knows nothing of what it is used
 * for: mean-field inference gives every site a factor, the E-step of EM has its parameters as
 * points.
 */
import { internalError } from "../../base/internal.js";
import type { KernelInstance } from "../contract.js";
import type { ExpectedJoint } from "../expectation/contract.js";
import { type AscentKernels, type CompileOptions, compileAscent, names } from "./compile.js";
import type { Factor, Improper } from "./contract.js";
import { factorOf } from "./factors/index.js";
import { type NotStaged, type StagedKernels, stageAscent } from "./stage.js";
import { pointStatistic } from "./statistics.js";

export interface AscentPlan extends AscentKernels {
  readonly kind: "plan";
  readonly joint: ExpectedJoint;
  /**
   * Tables and counts stay on a device. The bound is then that of right after an update of the
   * discrete sites, where it needs neither.
   */
  readonly isStaged?: true;
}

/** Sites whose statistics belong to no factor here; the caller may make them points. */
export interface NoFactor {
  readonly kind: "no_factor";
  readonly sites: readonly { readonly name: string; readonly site: number }[];
}

/**
 * Kernels and factors of an expected joint.
 * @throws TildeError where the sum over the discrete sites is too large
 */
export function prepareAscent(
  joint: ExpectedJoint,
  options: CompileOptions = {},
): AscentPlan | NoFactor {
  const without = withoutFactor(joint);
  if (without.length > 0) return { kind: "no_factor", sites: without };
  return { kind: "plan", joint, ...compileAscent(joint, options) };
}

/**
 * The same with passes over the data left to a device, for which `stage` makes an instance.
 * @throws TildeError where the sum over the discrete sites is too large
 */
export function prepareStaged(
  joint: ExpectedJoint,
  isSingle: boolean,
  stage: (kernels: StagedKernels) => void,
): AscentPlan | NoFactor | NotStaged {
  const without = withoutFactor(joint);
  if (without.length > 0) return { kind: "no_factor", sites: without };
  const kernels = stageAscent(joint, isSingle);
  if (kernels.kind === "not_staged") return kernels;
  stage(kernels);
  const { module, patterns, discrete, sum } = kernels;
  return { kind: "plan", joint, module, patterns, discrete, sum, isStaged: true };
}

function withoutFactor(joint: ExpectedJoint): NoFactor["sites"] {
  return joint.sites.flatMap((s) => {
    if (s.kind === "point" || factorOf(s) !== undefined) return [];
    return [{ name: s.direct.latent.name, site: s.site }];
  });
}

export interface AscentState {
  readonly natural: readonly (readonly Float64Array[])[];
  /** None where they stay on a device. */
  readonly counts: readonly Float64Array[];
  readonly discreteEntropy: number;
  /** Absent where whoever restores has set them. */
  readonly scenarios?: readonly (readonly (Float64Array | undefined)[])[];
}

/**
 * One point in the space of the factors. Factors and points are addressed by their index in
 * `joint.sites`.
 */
export class Ascent {
  readonly plan: AscentPlan;
  /** Undefined for points. */
  readonly factors: readonly (Factor | undefined)[];
  readonly #instance: KernelInstance;
  readonly #statistics: readonly (readonly Float64Array[])[];
  readonly #natural: readonly (readonly Float64Array[])[];
  readonly #tables: readonly Float64Array[];
  readonly #counts: readonly Float64Array[];
  /** Whether each factor has been updated, so that q is a distribution. */
  readonly #isProper: boolean[];
  /** Values of the points, of each scenario: expectations are averages over scenarios. */
  #scenarios: readonly (readonly (Float64Array | undefined)[])[] = [];
  /** Of the discrete sites under q. */
  #discreteEntropy = Number.NaN;
  #tablesAreCurrent = false;

  /** @param special factors that stand for those of `factorOf`, by site */
  constructor(
    plan: AscentPlan,
    instance: KernelInstance,
    special: ReadonlyMap<number, Factor> = new Map(),
  ) {
    this.plan = plan;
    this.#instance = instance;
    const { sites } = plan.joint;
    this.factors = sites.map((s, k) => {
      if (s.kind === "point") return undefined;
      return (
        special.get(k) ?? factorOf(s) ?? internalError(`no factor for ${s.direct.latent.name}`)
      );
    });
    const views = (k: number, of: (j: number, shape: readonly number[]) => Float64Array) => {
      const site = sites[k];
      return site.kind === "point" ? [] : site.statistics.map((s, j) => of(j, s.input.shape));
    };
    this.#statistics = sites.map((_, k) =>
      views(k, (j, shape) => view(instance, names.statistic(k, j), shape)),
    );
    // A special factor has natural parameters of its own shape.
    this.#natural = sites.map((_, k) =>
      views(k, (j, shape) => {
        const name = names.natural(k, j);
        return special.has(k) ? instance.f64(name) : view(instance, name, shape);
      }),
    );
    this.#tables = plan.patterns.map((p, k) => view(instance, names.table(k), p.table.shape));
    this.#counts = plan.patterns.map((p, k) => view(instance, names.counts(k), p.table.shape));
    this.#isProper = sites.map((s) => s.kind === "point");
    if (plan.patterns.length === 0) this.#discreteEntropy = 0;
  }

  /** Expected statistics of a site, live and in the order of the joint's. */
  expectedStatistics(k: number): readonly Float64Array[] {
    return this.#statistics[k];
  }
  /** Expected counts of a pattern's table, live; all zero before the first update. */
  expectedCounts(p: number): Float64Array {
    return this.#counts[p];
  }
  /** The expected log table of a pattern at the present factors. */
  expectedTable(p: number): Float64Array {
    this.#refreshTables();
    return this.#tables[p];
  }

  /** Gives a point its value; there is then one scenario. */
  setPoint(k: number, values: Float64Array): void {
    this.setScenarios([
      [...this.plan.joint.sites.keys()].map((s) => {
        return s === k ? values : this.#scenarios[0]?.[s];
      }),
    ]);
  }
  /** Values of every point in several scenarios, which count alike. By index of the site. */
  setScenarios(scenarios: readonly (readonly (Float64Array | undefined)[])[]): void {
    this.#scenarios = scenarios;
    this.#tablesAreCurrent = false;
    if (scenarios.length === 1) this.#load(0);
  }

  /** Puts the statistics of a site at those of a point mass: where ascent begins. */
  startAt(k: number, values: Float64Array): void {
    const site = this.plan.joint.sites[k];
    if (site.kind === "point") internalError("a point has no statistics");
    site.statistics.forEach((s, j) => {
      pointStatistic(s.statistic, site.direct, values, this.#statistics[k][j]);
    });
    this.#isProper[k] = false;
    this.#tablesAreCurrent = false;
  }
  /** Writes expected counts to begin with; they need be those of no distribution. */
  startCounts(write: (counts: readonly Float64Array[]) => void): void {
    if (this.#counts.length === 0) return;
    write(this.#counts);
    this.#discreteEntropy = Number.NaN;
  }

  /** Natural parameters of the optimal factor of site k given the others, live. */
  optimal(k: number): readonly Float64Array[] {
    const natural = this.#natural[k];
    if (natural.length > 0) this.#average(names.update(k), natural);
    return natural;
  }

  /** The optimal factor of site k given the others. */
  updateFactor(k: number): Improper | undefined {
    const factor = this.factors[k] ?? internalError(`site ${k} is a point`);
    const natural = this.optimal(k);
    if (!factor.update(natural)) {
      return { kind: "improper", name: this.plan.joint.sites[k].direct.latent.name };
    }
    factor.statistics(this.#statistics[k]);
    this.#isProper[k] = true;
    this.#tablesAreCurrent = false;
    return undefined;
  }

  /**
   * The exact joint factor of all discrete sites given the others.
   * @returns false where every assignment has probability 0
   */
  updateDiscrete(): boolean {
    if (this.#tables.length === 0) return true;
    this.#refreshTables();
    const logSum = this.#instance.call("discrete");
    if (!Number.isFinite(logSum)) return false;
    this.#discreteEntropy = logSum - this.#energy();
    return true;
  }

  /** Marginals of the elements of each discrete site, `[elements, K]`, one after another. */
  marginals(): Float64Array[] {
    this.#refreshTables();
    if (this.#tables.length > 0) this.#instance.call("marginals");
    return this.plan.discrete.map((_, s) => this.#instance.f64(names.marginals(s)).slice());
  }

  /**
   * E log p + entropy of q, all constants included; NaN before every factor has been updated. With
   * points, what belongs to their own distribution is the caller's.
   */
  elbo(): number {
    if (!this.#isProper.every(Boolean)) return Number.NaN;
    this.#refreshTables();
    let total = this.#averageOf("terms") + this.#energy() + this.#discreteEntropy;
    for (const f of this.factors) if (f !== undefined) total += f.entropy();
    return total;
  }

  /** E log p in each scenario, its average being that of `elbo`. */
  scenarioValues(): Float64Array {
    const out = new Float64Array(this.#scenarios.length);
    for (let s = 0; s < out.length; s++) {
      this.#load(s);
      out[s] = this.#instance.call("terms");
      if (this.#tables.length > 0) {
        this.#instance.call("tables");
        out[s] += this.#energy();
      }
    }
    this.#tablesAreCurrent = out.length === 1;
    return out;
  }

  /**
   * The gradient of E log p in the values of a point, in each scenario, where it was asked for when
   * the kernels were compiled.
   */
  pointGradients(k: number): Float64Array[] {
    const name = names.pointGradient(k);
    const site = this.plan.joint.sites[k];
    if (site.kind !== "point") return internalError(`site ${k} is no point`);
    return this.#scenarios.map((_, s) => {
      this.#load(s);
      this.#instance.call(name);
      return view(this.#instance, name, site.input.shape).slice();
    });
  }

  /** The present factors, to come back to. */
  save(): AscentState {
    return {
      natural: this.#natural.map((list) => list.map((n) => n.slice())),
      counts: this.plan.isStaged === true ? [] : this.#counts.map((c) => c.slice()),
      discreteEntropy: this.#discreteEntropy,
      scenarios: this.#scenarios,
    };
  }
  /** @param state of this plan, saved when every factor had been updated */
  restore(state: AscentState): void {
    if (state.scenarios !== undefined) this.setScenarios(state.scenarios);
    state.counts.forEach((counts, p) => {
      this.#counts[p].set(counts);
    });
    this.factors.forEach((factor, k) => {
      if (factor === undefined) return;
      this.#natural[k].forEach((n, j) => {
        n.set(state.natural[k][j]);
      });
      if (!factor.update(state.natural[k])) internalError("a saved factor is improper");
      factor.statistics(this.#statistics[k]);
      this.#isProper[k] = true;
    });
    this.#discreteEntropy = state.discreteEntropy;
    this.#tablesAreCurrent = false;
  }

  /** Σ counts · tables; impossible entries have no counts. */
  #energy(): number {
    let total = 0;
    // With Σ counts · tables taken from the entropy and added to the bound, it need not be known.
    if (this.plan.isStaged === true) return total;
    this.#tables.forEach((table, p) => {
      const counts = this.#counts[p];
      for (let i = 0; i < table.length; i++) if (counts[i] !== 0) total += counts[i] * table[i];
    });
    return total;
  }

  #load(s: number): void {
    this.#scenarios[s].forEach((values, k) => {
      if (values === undefined) return;
      view(this.#instance, names.statistic(k, 0), [values.length]).set(values);
    });
  }

  #refreshTables(): void {
    if (this.#tablesAreCurrent || this.#tables.length === 0) return;
    this.#average("tables", this.#tables);
    this.#tablesAreCurrent = true;
  }

  /** Runs a function in every scenario and leaves the averages in its outputs. */
  #average(name: string, outputs: readonly Float64Array[]): void {
    const count = this.#scenarios.length;
    if (count <= 1) {
      this.#instance.call(name);
      return;
    }
    const sums = outputs.map((o) => new Float64Array(o.length));
    for (let s = 0; s < count; s++) {
      this.#load(s);
      this.#instance.call(name);
      outputs.forEach((o, j) => {
        for (let i = 0; i < o.length; i++) sums[j][i] += o[i];
      });
    }
    outputs.forEach((o, j) => {
      for (let i = 0; i < o.length; i++) o[i] = sums[j][i] / count;
    });
  }

  #averageOf(name: string): number {
    const count = this.#scenarios.length;
    if (count <= 1) return this.#instance.call(name);
    let sum = 0;
    for (let s = 0; s < count; s++) {
      this.#load(s);
      sum += this.#instance.call(name);
    }
    return sum / count;
  }
}

function view(instance: KernelInstance, name: string, shape: readonly number[]): Float64Array {
  const length = shape.reduce((n, d) => n * d, 1);
  return instance.f64(name).subarray(0, length);
}
