/** Kernels of the model with a number of components: tables of items, and Gibbs updates. */
import type { RandomStream } from "../../../math/rng/random.js";
import type { Conditioned } from "../../../passes/condition/index.js";
import type { Conjugate } from "../../conditionals/finding.js";
import { directKernels, inputBuffer, type MakeInstance } from "../../conditionals/kernels.js";
import { isCompiled, naturalReader, referenceValues } from "../../conditionals/natural.js";
import type { KernelInstance } from "../../contract.js";
import { expFamilies } from "../../expfam/index.js";
import { buildDirectJoint, type DirectJoint, STATES } from "../../logjoint/direct.js";
import { sliceUpdate } from "../samplers/slice.js";
import { withClusters } from "./finite.js";
import type { Column } from "./layout.js";
import type { DpStructure } from "./structure.js";

/** What a conditional is when no distribution: a site's name. */
export type Improper = (name: string) => never;

export class WideKernels {
  readonly joint: DirectJoint;
  readonly instance: KernelInstance;
  readonly #structure: DpStructure;
  readonly #values: readonly Float64Array[];
  readonly #conjugate: readonly Conjugate[];
  readonly #readers: ReadonlyMap<number, (units: Int32Array) => Float64Array[]>;
  readonly #tables: readonly Float64Array[];
  readonly #improper: Improper;

  constructor(
    conditioned: Conditioned,
    structure: DpStructure,
    readonly capacity: number,
    make: MakeInstance,
    methodName: string,
    improper: Improper,
  ) {
    this.#structure = structure;
    this.#improper = improper;
    this.joint = buildDirectJoint(
      withClusters(conditioned, capacity),
      freeSites(structure),
      methodName,
    );
    this.#conjugate = conjugateSites(structure, capacity);
    this.instance = make(
      directKernels(this.joint, {
        statistics: this.#conjugate
          .filter(isCompiled)
          .map((f) => ({ site: f.site, at: referenceValues(f) })),
        gradients: this.#conjugate.filter((f) => !isCompiled(f)).map((f) => f.site),
        densities: slicedGlobals(structure),
        tables: true,
        values: true,
      }),
    );
    this.#values = this.joint.sites.map((s, k) =>
      this.instance.f64(inputBuffer(k)).subarray(0, s.input.shape[0]),
    );
    this.#readers = new Map(
      this.#conjugate.map((f) => [f.site, naturalReader(this.joint, f, this.instance)]),
    );
    this.#tables = this.joint.factors.map((_, k) => this.instance.f64(`table_${k}`));
  }

  /** The input of a site, a live view. */
  values(site: number): Float64Array {
    return this.#values[site];
  }
  /** The latent scalars of a site in its own coordinates, after `values` has run. */
  own(site: number): Float64Array {
    const { length } = this.joint.sites[site].latent;
    return this.instance.f64(`own_${site}`).subarray(0, length);
  }

  /** Puts rows of θ into the components; those from `count` on repeat the first. */
  load(thetas: Float64Array, count: number, layout: readonly Column[]): void {
    const { components } = this.#structure;
    layout.forEach(({ component, element }, j) => {
      const { site, length } = components[component];
      const values = this.#values[site];
      for (let c = 0; c < this.capacity; c++) {
        values[c * length + element] = thetas[(c < count ? c : 0) * layout.length + j];
      }
    });
  }
  store(thetas: Float64Array, count: number, layout: readonly Column[]): void {
    const { components } = this.#structure;
    layout.forEach(({ component, element }, j) => {
      const { site, length } = components[component];
      const values = this.#values[site];
      for (let c = 0; c < count; c++) {
        thetas[c * layout.length + j] = values[c * length + element];
      }
    });
  }
  setLabels(labels: Int32Array): void {
    if (this.joint.states === undefined) return;
    const states = this.instance.f64(STATES);
    for (let i = 0; i < labels.length; i++) states[i] = labels[i];
  }

  /** Adds each item's log density in the components below `count` to `out[i · count + c]`. */
  addTable(count: number, out: Float64Array): void {
    this.instance.call("tables");
    this.joint.factors.forEach(({ references: [{ elements }] }, f) => {
      const rows = this.#tables[f];
      for (let t = 0; t < elements.length; t++) {
        const to = elements[t] * count;
        const from = t * this.capacity;
        for (let c = 0; c < count; c++) out[to + c] += rows[from + c];
      }
    });
  }

  /** Draws the sites of the plate with known conditionals, in rows below `count`. */
  drawComponents(count: number, rng: RandomStream): void {
    for (const { site, length, isConjugate } of this.#structure.components) {
      const found = this.#conjugate.find((f) => f.site === site);
      if (!isConjugate || found === undefined) continue;
      const units = Int32Array.from({ length: (count * length) / found.unit }, (_, u) => u);
      this.#draw(found, units, rng);
    }
  }
  /** Draws every site outside the plate. */
  drawGlobals(rng: RandomStream): void {
    const sliced = new Set(slicedGlobals(this.#structure));
    for (const { site } of this.#structure.globals) {
      if (sliced.has(site)) {
        this.#slice(site, rng);
        continue;
      }
      const found = this.#conjugate.find((f) => f.site === site);
      for (const units of found?.classes ?? []) if (found) this.#draw(found, units, rng);
    }
  }

  #draw(found: Conjugate, units: Int32Array, rng: RandomStream): void {
    const family = expFamilies[found.rule.family];
    const setting = { size: found.size };
    const etas = this.#readers.get(found.site)?.(units) ?? [];
    const inside = insideOf(found);
    const values = this.#values[found.site];
    for (let i = 0; i < units.length; i++) {
      if (!family.isValid(etas[i], setting)) this.#improper(found.name);
      values.set(inside(family.sample(etas[i], setting, rng)), units[i] * found.unit);
    }
  }

  #slice(site: number, rng: RandomStream): void {
    const values = this.#values[site];
    const density = this.instance.fn(`density_${site}`);
    for (let i = 0; i < values.length; i++) {
      const after = sliceUpdate(
        values[i],
        1,
        (at) => {
          values[i] = at;
          return density();
        },
        rng,
      );
      values[i] = after;
    }
  }
}

/** Sites outside the plate without a known conditional: in unconstrained coordinates. */
function slicedGlobals({ found, globals }: DpStructure): number[] {
  return globals.map((s) => s.site).filter((k) => found.findings[k].kind === "other");
}

/** The concentration keeps its own coordinates: only its prior is ever asked for. */
export function freeSites(structure: DpStructure): Set<string> {
  const { found } = structure;
  return new Set(slicedGlobals(structure).map((k) => found.findings[k].name));
}

/** The conditionals, those of the plate with the units of `capacity` components. */
function conjugateSites({ found, components, globals }: DpStructure, capacity: number) {
  const own = new Map(components.map((c) => [c.site, c]));
  const outside = new Set(globals.map((s) => s.site));
  return found.findings.flatMap((f): Conjugate[] => {
    if (f.kind === "other") return [];
    const component = own.get(f.site);
    if (component === undefined) return outside.has(f.site) ? [f] : [];
    if (!component.isConjugate) return [];
    const units = (capacity * component.length) / f.unit;
    return [{ ...f, classes: [Int32Array.from({ length: units }, (_, u) => u)] }];
  });
}

/** Keeps draws that round to the end of an open support inside it. */
function insideOf(f: Conjugate): (x: Float64Array) => Float64Array {
  const LAST = 1 - Number.EPSILON / 2;
  // Its reciprocal and its square root are ordinary numbers.
  const LEAST = 1e-290;
  switch (f.rule.family) {
    case "Gamma":
    case "InverseGamma":
      return (x) => x.map((v) => Math.min(Math.max(v, LEAST), 1 / LEAST));
    case "Beta":
      return (x) => x.map((v) => Math.min(Math.max(v, LEAST), LAST));
    case "Dirichlet":
      return (x) => x.map((v) => Math.max(v, LEAST));
    default:
      return (x) => x;
  }
}
