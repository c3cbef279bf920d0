/**
 * The `ClusterModel` of a planned model: one chain's own workspace of kernels, with the sites
 * outside the plate as its state.
 */
import { fail } from "../../../base/diagnostic.js";
import { internalError } from "../../../base/internal.js";
import { type RandomStream, stream } from "../../../math/rng/random.js";
import type { DataValue } from "../../../model/data.js";
import { inputBuffer, type MakeInstance } from "../../conditionals/kernels.js";
import type { ChainKey, KernelInstance } from "../../contract.js";
import { buildDirectJoint } from "../../logjoint/direct.js";
import { pack, unpack } from "../../state.js";
import type { ClusterModel, Concentration, ConjugateComponents } from "../contract.js";
import { sliceUpdate } from "../samplers/slice.js";
import { type BaseSampler, baseSampler } from "./base.js";
import { type Densities, familyOf, type Solved, solveIdentity } from "./conjugacy.js";
import type { DpPlan } from "./dp-plan.js";
import { withClusters } from "./finite.js";
import type { Column } from "./layout.js";
import { type ScalarMap, scalarMap } from "./scalar-map.js";
import { ITEM, singleKernels } from "./single.js";
import { freeSites, WideKernels } from "./wide.js";

/** Components at first; doubled whenever there are more. */
const CAPACITY = 8;
/** The stream of the starting point, apart from those of sweeps. */
const START_STREAM = 0xfffffe;

/** A chain's model: what the samplers ask, and the sites outside the plate as they stand. */
export interface DpChainModel extends ClusterModel {
  /** Latent scalars of the sites outside the plate, in the order of `plan.structure.globals`. */
  readonly globals: () => Float64Array;
  /** Puts the sites outside the plate at a random point. */
  readonly restart: (rng: RandomStream) => void;
}

/** A chain's workspace at a random starting point; `make` compiles kernels and makes an instance. */
export function dpChainModel(plan: DpPlan, make: MakeInstance, key: ChainKey): DpChainModel {
  const model = new PlannedModel(plan, make);
  model.restart(stream(key.seed, key.chain, START_STREAM, 0));
  return model;
}

/** The same for tests of a plan, with the density of P₀. */
export function testModel(plan: DpPlan, make: MakeInstance): PlannedModel {
  return new PlannedModel(plan, make);
}

export class PlannedModel implements DpChainModel {
  readonly items: number;
  readonly width: number;
  readonly concentration: Concentration;
  readonly conjugate?: ConjugateComponents;
  readonly updateGlobals?: ClusterModel["updateGlobals"];
  readonly #plan: DpPlan;
  readonly #make: MakeInstance;
  readonly #layout: readonly Column[];
  readonly #base: BaseSampler;
  readonly #single: KernelInstance;
  readonly #item: (...args: readonly number[]) => number;
  readonly #baseDensity: (...args: readonly number[]) => number;
  readonly #itemAt: Float64Array;
  /** Where column j of θ goes in the kernels of one component. */
  readonly #inputs: readonly { readonly values: Float64Array; readonly at: number }[];
  /** Columns that are slice-sampled. */
  readonly #sliced: readonly { readonly column: number; readonly map: ScalarMap }[];
  #wide: WideKernels;
  #globalsChanged = true;
  #solved: Solved | undefined;

  constructor(plan: DpPlan, make: MakeInstance) {
    const { structure, layout, conditioned, methodName } = plan;
    this.#plan = plan;
    this.#make = make;
    this.#layout = layout;
    this.items = structure.items;
    this.width = layout.length;
    this.#wide = this.#widened(CAPACITY);
    const joint = buildDirectJoint(withClusters(conditioned, 1), freeSites(structure), methodName);
    const alphaSite =
      structure.concentration.kind === "site" ? structure.concentration.site : undefined;
    const sites = structure.components.map((c) => c.site);
    this.#single = make(singleKernels(joint, this.items, sites, alphaSite));
    this.#item = this.#single.fn("item");
    this.#baseDensity = this.#single.fn("base");
    this.#itemAt = this.#single.f64(ITEM);
    this.#inputs = layout.map(({ component, element }) => ({
      values: this.#single.f64(inputBuffer(sites[component])),
      at: element,
    }));
    this.#sliced = layout.flatMap(({ component }, column) => {
      const { isConjugate, support } = structure.components[component];
      return isConjugate ? [] : [{ column, map: scalarMap(support) }];
    });
    this.#base = baseSampler(conditioned, structure, layout, (name) => this.#global(name));
    this.concentration = this.#concentration(alphaSite);
    if (structure.globals.length > 0) {
      this.updateGlobals = (thetas, count, labels, rng) =>
        this.#updateGlobals(thetas, count, labels, rng);
    }
    const { arrangement } = plan;
    if (arrangement !== undefined) {
      this.conjugate = {
        ...familyOf(arrangement),
        prior: () => this.#identity().prior,
        contributions: () => this.#identity().contributions,
        offsets: () => this.#identity().offsets,
      };
    }
  }

  restart(rng: RandomStream): void {
    const { found, globals } = this.#plan.structure;
    const state = found.draw(rng);
    for (const { site } of globals) {
      const { isFree } = this.#wide.joint.sites[site];
      this.#wide.values(site).set((isFree ? state.free : state.own)[site]);
    }
    this.#moved();
  }

  /** The capacity is part of it: so many components are drawn where sites outside are updated. */
  readonly save = (): Float64Array => {
    const { globals } = this.#plan.structure;
    const sites = globals.map(({ site }) => this.#wide.values(site));
    return pack([[this.#wide.capacity], ...sites]);
  };

  readonly restore = (state: Float64Array): void => {
    this.#reserve(state[0]);
    const { globals } = this.#plan.structure;
    unpack(
      state.subarray(1),
      globals.map(({ site }) => this.#wide.values(site)),
    );
    this.#moved();
  };

  globals(): Float64Array {
    const { globals } = this.#plan.structure;
    const out = new Float64Array(globals.reduce((n, s) => n + s.length, 0));
    if (globals.length > 0) this.#wide.instance.call("values");
    let at = 0;
    for (const { site, length } of globals) {
      out.set(this.#wide.own(site), at);
      at += length;
    }
    return out;
  }

  readonly drawBase = (rng: RandomStream, thetas: Float64Array, row: number): void => {
    this.#base.draw(rng, thetas, row);
  };

  readonly logLikelihood = (item: number, thetas: Float64Array, row: number): number => {
    this.#setTheta(thetas, row);
    this.#itemAt[0] = item;
    return this.#item();
  };

  /** log p₀ of a row. */
  logBase(thetas: Float64Array, row: number): number {
    this.#setTheta(thetas, row);
    return this.#baseDensity();
  }

  readonly table = (thetas: Float64Array, count: number, out: Float64Array): void => {
    this.#reserve(count);
    out.fill(0, 0, this.items * count);
    this.#wide.load(thetas, count, this.#layout);
    this.#wide.addTable(count, out);
  };

  readonly updateComponents = (
    thetas: Float64Array,
    count: number,
    labels: Int32Array,
    rng: RandomStream,
  ): void => {
    this.#reserve(count);
    const members: number[][] = Array.from({ length: count }, () => []);
    labels.forEach((c, i) => {
      members[c].push(i);
    });
    this.#wide.load(thetas, count, this.#layout);
    this.#wide.setLabels(labels);
    this.#wide.drawComponents(count, rng);
    this.#wide.store(thetas, count, this.#layout);
    members.forEach((own, c) => {
      if (own.length === 0) this.drawBase(rng, thetas, c);
      else this.#slice(thetas, c, own, rng);
    });
  };

  /** Scalars without a known conditional, one after another. */
  #slice(thetas: Float64Array, row: number, members: readonly number[], rng: RandomStream): void {
    const start = row * this.width;
    for (const { column, map } of this.#sliced) {
      const density = (u: number): number => {
        thetas[start + column] = map.fromLine(u);
        let lp = this.logBase(thetas, row) + map.logSlope(u);
        for (const i of members) {
          if (!(lp > -Infinity)) break;
          this.#itemAt[0] = i;
          lp += this.#item();
        }
        return lp;
      };
      const u = sliceUpdate(map.toLine(thetas[start + column]), 1, density, rng);
      thetas[start + column] = map.fromLine(u);
    }
  }

  /**
   * Components beyond `count` are drawn from P₀ first: with them as auxiliary variables, the
   * conditionals of the finite model leave the joint distribution invariant.
   */
  #updateGlobals(thetas: Float64Array, count: number, labels: Int32Array, rng: RandomStream): void {
    this.#reserve(count);
    const { capacity } = this.#wide;
    const all = new Float64Array(capacity * this.width);
    all.set(thetas.subarray(0, count * this.width));
    for (let c = count; c < capacity; c++) this.drawBase(rng, all, c);
    this.#wide.load(all, capacity, this.#layout);
    this.#wide.setLabels(labels);
    this.#wide.drawGlobals(rng);
    this.#moved();
  }

  #setTheta(thetas: Float64Array, row: number): void {
    const start = row * this.width;
    for (let j = 0; j < this.width; j++) {
      const { values, at } = this.#inputs[j];
      values[at] = thetas[start + j];
    }
  }

  /** Sites outside the plate are written where the kernels of one component read them. */
  #moved(): void {
    for (const { site } of this.#plan.structure.globals) {
      this.#single.f64(inputBuffer(site)).set(this.#wide.values(site));
    }
    this.#globalsChanged = true;
  }

  #identity(): Solved {
    const { arrangement, points } = this.#plan;
    if (arrangement === undefined) return internalError("no joint conjugate family");
    if (this.#solved === undefined || this.#globalsChanged) {
      const solved = solveIdentity(arrangement, densitiesOf(this), points);
      if (solved === undefined) {
        const [{ name }] = this.#plan.structure.components;
        const reason = `the conjugate family of \`${name}\` was lost to rounding at extreme values`;
        return this.#refuse(reason);
      }
      this.#solved = solved;
      this.#globalsChanged = false;
    }
    return this.#solved;
  }

  #refuse(reason: string): never {
    const { structure, methodName: method } = this.#plan;
    const { label: name, span } = structure.plate;
    return fail("process_unsupported", span, { name, method, reason });
  }

  #reserve(count: number): void {
    if (count <= this.#wide.capacity) return;
    let capacity = this.#wide.capacity;
    while (capacity < count) capacity *= 2;
    const before = this.#wide;
    this.#wide = this.#widened(capacity);
    for (const { site } of this.#plan.structure.globals) {
      this.#wide.values(site).set(before.values(site));
    }
  }

  #widened(capacity: number): WideKernels {
    const { conditioned, structure, methodName } = this.#plan;
    return new WideKernels(conditioned, structure, capacity, this.#make, methodName, (name) =>
      this.#refuse(`the conditional of \`${name}\` is improper`),
    );
  }

  /** A site outside the plate, whole. */
  #global(name: string): DataValue {
    const { globals } = this.#plan.structure;
    const global = globals.find((s) => s.name === name) ?? internalError(`no site ${name}`);
    this.#wide.instance.call("values");
    const own = this.#wide.own(global.site);
    const given = this.#plan.conditioned.observed.get(name);
    if (given === undefined) return { dims: global.dims, data: own };
    // Observed in part: its latent entries in order.
    let next = 0;
    return {
      dims: given.dims,
      data: given.data.map((v, i) => (given.missing?.[i] ? own[next++] : v)),
    };
  }

  #concentration(site: number | undefined): Concentration {
    const source = this.#plan.structure.concentration;
    if (source.kind === "fixed") return source;
    if (source.kind === "gamma") return { kind: "gamma", shape: source.shape, rate: source.rate };
    if (site === undefined) return internalError("a concentration without site");
    const input = this.#single.f64(inputBuffer(site));
    const density = this.#single.fn("concentration");
    return {
      kind: "prior",
      logPrior: (alpha) => {
        if (!(alpha > 0)) return -Infinity;
        input[0] = alpha;
        const lp = density();
        return Number.isNaN(lp) ? -Infinity : lp;
      },
    };
  }
}

/** What the identity of a joint conjugate family is tested on. */
export function densitiesOf(model: PlannedModel): Densities {
  return {
    items: model.items,
    base: (thetas: Float64Array, row: number) => model.logBase(thetas, row),
    table: model.table,
  };
}
