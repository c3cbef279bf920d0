/**
 * The M-step: parameters one after another, each at the maximum of Q given the others (the
 * conditional maximisation of ECM: Meng & Rubin 1993). Locations come before scales: the maximum of
 * a scale needs the new locations, that of a location mostly no scale, so one pass is the full
 * M-step of the textbook models. Several locations (loadings and a mean, coefficients) are one
 * least-squares problem and are solved together.
 */
import { internalError } from "../../base/internal.js";
import type { ExpectedSite, Statistic } from "../expectation/contract.js";
import { climb } from "./climb.js";
import type { EmFailure } from "./contract.js";
import type { Coordinates } from "./coordinates.js";
import type { Scenario } from "./e-step.js";
import type { Expected } from "./expected.js";
import { leastSquares } from "./least-squares.js";
import type { ClosedForm } from "./maximise/index.js";
import { addStatisticGradient, objectiveAt, statisticAt } from "./statistics.js";

/** A parameter in the order in which it is maximised. */
export interface Parameter {
  readonly name: string;
  /** Index among the expected joint's sites. */
  readonly site: number;
  readonly expected: ExpectedSite;
  readonly closed: ClosedForm | undefined;
  readonly coordinates: Coordinates;
  /** The side of its matrices; 1 where it has none. */
  readonly side: number;
}

/** Steps uphill on Q in one iteration: of parameters whose η is known, and of points. */
const STEPS_BY_STATISTICS = 100;
const STEPS_BY_VALUE = 10;
/** A scale that has shrunk by so much since the start has nothing left to describe. */
const COLLAPSE = 1e-6;

export class MStep {
  /** Present values of each parameter, in the order of `parameters`. */
  readonly values: readonly Float64Array[];
  readonly #expected: Expected;
  readonly #parameters: readonly Parameter[];
  readonly #largest: readonly Float64Array[];
  readonly #watched: readonly (Watched | undefined)[];

  /** Parameters over all reals in which Q is quadratic, each by itself. */
  readonly #locations: readonly number[];
  /** Whether Q may be quadratic in all of them together. */
  isQuadratic = true;

  constructor(expected: Expected, parameters: readonly Parameter[]) {
    this.#locations = parameters.flatMap(({ closed, expected: e }, k) => {
      const isReal = e.direct.supports.every((s) => s.kind === "real");
      return isReal && closed?.solve !== undefined ? [k] : [];
    });
    this.#expected = expected;
    this.#parameters = parameters;
    this.#watched = parameters.map(watchedOf);
    this.values = parameters.map((p) => new Float64Array(p.coordinates.latent.length));
    this.#largest = parameters.map((p) => new Float64Array(p.coordinates.latent.length));
  }

  /** Puts a parameter at a value, where a run begins. */
  set(index: number, value: Float64Array): void {
    this.values[index].set(value);
    this.#largest[index].fill(0);
    this.#write(index);
  }

  /** Puts a parameter where a device has brought it. */
  move(index: number, value: Float64Array, largest: Float64Array | undefined): void {
    this.values[index].set(value);
    this.#watched[index]?.scalars.forEach((scalar, i) => {
      if (largest !== undefined) this.#largest[index][scalar] = largest[i];
    });
    this.#write(index);
  }

  /** η of a parameter, averaged over the scenarios of q. */
  natural(index: number, scenarios: readonly Scenario[]): readonly Float64Array[] {
    const { site } = this.#parameters[index];
    if (scenarios.length === 1 && scenarios[0].weight === 1) {
      scenarios[0].load();
      return this.#expected.natural(site);
    }
    let sums: Float64Array[] | undefined;
    for (const { weight, load } of scenarios) {
      load();
      const found = this.#expected.natural(site);
      sums ??= found.map((n) => new Float64Array(n.length));
      found.forEach((n, j) => {
        const sum = sums?.[j] ?? internalError("a statistic without a sum");
        for (let i = 0; i < n.length; i++) sum[i] += weight * n[i];
      });
    }
    return sums ?? [];
  }

  /** ∂Q/∂θ in a parameter's own scalars: by Fisher's identity that of the log likelihood, too. */
  slope(index: number, scenarios: readonly Scenario[]): Float64Array {
    const { expected, side } = this.#parameters[index];
    const value = this.values[index];
    if (expected.kind === "point") return this.#pointSlope(index, scenarios);
    const etas = this.natural(index, scenarios);
    const out = new Float64Array(value.length);
    expected.statistics.forEach(({ statistic }, j) => {
      addStatisticGradient(statistic, etas[j], value, side, out);
    });
    return out;
  }

  /**
   * One pass over the parameters.
   * @param only the parameters to move; all by default
   */
  update(scenarios: readonly Scenario[], only?: (index: number) => boolean): EmFailure | undefined {
    const isJoint = only === undefined && this.#moveLocations(scenarios);
    for (let k = 0; k < this.#parameters.length; k++) {
      if (only?.(k) === false || (isJoint && this.#locations.includes(k))) continue;
      const failure = this.#maximise(k, scenarios);
      if (failure !== undefined) return failure;
      this.#write(k);
      const scalar = this.#collapsed(k);
      if (scalar >= 0) return { kind: "singular", name: this.#parameters[k].name, scalar };
    }
    return undefined;
  }

  /** All locations at the joint maximum of Q; false where that is not one least-squares problem. */
  #moveLocations(scenarios: readonly Scenario[]): boolean {
    const list = this.#locations;
    if (list.length < 2 || !this.isQuadratic) return false;
    const before = list.map((k) => this.values[k].slice());
    const place = (at: readonly Float64Array[]): void => {
      list.forEach((k, i) => {
        this.values[k].set(at[i]);
        this.#write(k);
      });
    };
    const etas = list.map((k) => this.natural(k, scenarios).map((n) => n.slice()));
    const found = leastSquares({
      start: before,
      gradient: (at) => {
        place(at);
        return list.map((k) => this.slope(k, scenarios));
      },
      precondition: (right) => {
        const solved = list.map((k, i) => this.#parameters[k].closed?.solve?.(etas[i], right[i]));
        return solved.every((x) => x !== undefined) ? solved : undefined;
      },
    });
    if (found === "not_quadratic") this.isQuadratic = false;
    place(typeof found === "string" ? before : found);
    return typeof found !== "string";
  }

  #maximise(index: number, scenarios: readonly Scenario[]): EmFailure | undefined {
    const { expected, closed, coordinates, side, name } = this.#parameters[index];
    const value = this.values[index];
    if (expected.kind === "point") {
      const q = (own: Float64Array) => {
        value.set(own);
        this.#write(index);
        const slope = this.#pointSlope(index, scenarios);
        return { value: this.#q(scenarios), slope };
      };
      const before = value.slice();
      const found = climb(coordinates, q, before, STEPS_BY_VALUE);
      value.set(found ?? before);
      return undefined;
    }
    const etas = this.natural(index, scenarios);
    if (closed !== undefined) {
      const outcome = closed.maximise(etas, value);
      if (outcome.kind === "found") return undefined;
      if (outcome.kind === "singular") return { kind: "singular", name, scalar: outcome.scalar };
    }
    const statistics = expected.statistics.map((s): Statistic => s.statistic);
    const fixed = etas.map((e) => e.slice());
    const q = (own: Float64Array) => {
      const slope = new Float64Array(own.length);
      statistics.forEach((s, j) => {
        addStatisticGradient(s, fixed[j], own, side, slope);
      });
      return { value: objectiveAt(statistics, fixed, own, side), slope };
    };
    const found = climb(coordinates, q, value.slice(), STEPS_BY_STATISTICS);
    if (found !== undefined) value.set(found);
    return undefined;
  }

  #pointSlope(index: number, scenarios: readonly Scenario[]): Float64Array {
    const { site } = this.#parameters[index];
    const out = new Float64Array(this.values[index].length);
    for (const { weight, load } of scenarios) {
      load();
      const found = this.#expected.pointGradient(site);
      for (let i = 0; i < out.length; i++) out[i] += weight * found[i];
    }
    return out;
  }

  /** Q at the present values; the tables are left at them. */
  #q(scenarios: readonly Scenario[]): number {
    let total = 0;
    for (const { weight, load } of scenarios) {
      load();
      this.#expected.refreshTables();
      total += weight * (this.#expected.terms() + this.#expected.energy());
    }
    return total;
  }

  /** The statistics of a parameter are those of its value. */
  #write(index: number): void {
    const { site, expected, side } = this.#parameters[index];
    const value = this.values[index];
    const out = this.#expected.statistics[site];
    if (expected.kind === "point") out[0].set(value);
    else {
      expected.statistics.forEach(({ statistic }, j) => {
        statisticAt(statistic, value, side, out[j]);
      });
    }
  }

  /** The largest that each scalar of a parameter was, where it is watched; live. */
  largest(index: number): Float64Array {
    return this.#largest[index];
  }

  /** A scale or variance that has vanished beside what it was; −1 where there is none. */
  #collapsed(index: number): number {
    const watched = this.#watched[index];
    if (watched === undefined) return -1;
    const largest = this.#largest[index];
    const value = this.values[index];
    for (const i of watched.scalars) {
      largest[i] = Math.max(largest[i], value[i]);
      if (!(value[i] > watched.limit * largest[i])) return i;
    }
    return -1;
  }

  /** The scale that has shrunk most since the first step, where rounding has taken over. */
  mostCollapsed(): { readonly name: string; readonly scalar: number } | undefined {
    let found: { readonly name: string; readonly scalar: number } | undefined;
    let least = Infinity;
    this.#parameters.forEach(({ name }, k) => {
      this.#largest[k].forEach((largest, scalar) => {
        if (!(this.values[k][scalar] / largest < least)) return;
        least = this.values[k][scalar] / largest;
        found = { name, scalar };
      });
    });
    return found;
  }
}

/** Scales and variances, which end a run where they vanish. */
export interface Watched {
  readonly scalars: Int32Array;
  /** The least part of the largest value so far that is something still. */
  readonly limit: number;
}

/** What is watched of a parameter, if anything. */
export function watchedOf({ expected, coordinates, side }: Parameter): Watched | undefined {
  const kinds = new Set(expected.direct.supports.map((s) => s.kind));
  const isScale = kinds.has("positive") || kinds.has("nonnegative");
  if (!isScale && !kinds.has("cov")) return undefined;
  const all = Int32Array.from({ length: coordinates.latent.length }, (_, i) => i);
  return {
    scalars: isScale ? all : all.filter((i) => (i % (side * side)) % (side + 1) === 0),
    // Variances go with the square of scales.
    limit: isScale && !isVariance(expected) ? COLLAPSE : COLLAPSE ** 2,
  };
}

function isVariance(expected: ExpectedSite): boolean {
  if (expected.kind === "point") return false;
  return expected.statistics.some(
    ({ statistic: s }) => s.kind === "value" || (s.kind === "power" && s.exponent === -1),
  );
}
