/**
 * Labels drawn on a device: given everything else, one call draws all elements of the discrete sites
 * of plates by the device's random streams, and gives back sums over the items. Everything else is
 * small and drawn on the host, each site from its complete conditional: given all others its natural
 * parameters are the gradient of the log joint in its statistics, as in mean-field updates, at
 * statistics of values in the place of expected ones.
 */
import { type Diagnostic, diagnostic, fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice, LoopProgram } from "../../device/contract.js";
import { Ascent } from "../../inference/ascent/engine.js";
import type { StagedKernels } from "../../inference/ascent/stage.js";
import { stageNames } from "../../inference/ascent/stage.js";
import {
  type CaviPlan,
  type CaviPlanOptions,
  planStagedCavi,
  startValues,
} from "../../inference/cavi/index.js";
import { type RandomStream, stream } from "../../math/rng/random.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { makeInstance } from "../gibbs-chain.js";
import { guardPrecision } from "./guard.js";
import { fitsCpu, refuseStep, StagedInstance } from "./staged.js";

/** Streams of the uniform numbers on the device: that of site s is this one and s. */
const UNIFORM_SITE = 0x53000000;
const START_STREAM = 0;
const NO_STATES = new Int32Array(0);

/** What a pass gives back. */
export interface Pass {
  /** Σ log density over what reads labels, at the labels that were drawn. */
  readonly energy: number;
  /** Elements of each value, by discrete site. */
  readonly sizes: readonly Float64Array[];
}

/** The sites of a model as they stand, and the device's program that draws labels given them. */
export class Labels {
  readonly instance: StagedInstance;
  readonly cavi: CaviPlan;
  readonly ascent: Ascent;
  /** Values that each continuous site has now, by index in the joint; of a group, one array. */
  readonly values: readonly Float64Array[];
  readonly names: readonly string[];
  readonly #program: LoopProgram;

  private constructor(cavi: CaviPlan, instance: StagedInstance, program: LoopProgram) {
    this.cavi = cavi;
    this.instance = instance;
    this.#program = program;
    this.ascent = new Ascent(cavi.ascent, instance);
    const { sites } = cavi.ascent.joint;
    this.values = sites.map((s) => new Float64Array(s.direct.latent.length));
    this.names = sites.map((s) => s.direct.latent.name);
  }

  /**
   * @param options groups of sites that are drawn at once
   * @throws TildeError `device_step` where a site has no conditional that can be drawn from, or labels
   * depend on each other
   */
  static async create(
    conditioned: Conditioned,
    device: GraphDevice,
    options: CaviPlanOptions = {},
  ): Promise<Labels> {
    let made: StagedInstance | undefined;
    const refuse = (step: string, reason: string): never =>
      refuseStep("gibbs", device, { kind: "not_staged", step, reason });
    const isSingle = device.precision === "f32";
    const cavi = planStagedCavi(conditioned, makeInstance, options, isSingle, (kernels) => {
      made = new StagedInstance(device, kernels);
      return made;
    });
    if ("kind" in cavi) {
      const { step, reason, cause } = cavi;
      if (cause === "no_labels") {
        return refuse("a sweep", "no site is discrete, and labels are what a device draws");
      }
      const isOutside = cause === "no_family";
      return refuse(
        step,
        isOutside ? "its conditional is of no family that is drawn from" : reason,
      );
    }
    const instance = made ?? internalError("a plan without its instance");
    const { factors } = new Ascent(cavi.ascent, instance);
    cavi.ascent.joint.sites.forEach((s, k) => {
      if (factors[k]?.isNumerical !== true) return;
      refuse(`the update of \`${s.direct.latent.name}\``, "its conditional is of no known family");
    });
    const { graphs, discrete } = instance.kernels;
    const { drawn } = graphs;
    if (drawn === undefined) {
      return refuse(
        `the update of ${dependentSites(instance.kernels)}`,
        "its elements depend on each other given the rest, and a device draws all at once",
      );
    }
    const graph = drawn(device.room);
    const labels = discrete.map((_, s) => stageNames.labels(s));
    const program = await device.compileLoop({
      graph,
      state: Object.fromEntries(labels.map((name, s) => [stageNames.kept(s), name])),
      noise: labels.map((_, s) => ({
        input: stageNames.uniform(s),
        site: UNIFORM_SITE + s,
        law: { kind: "uniform" },
      })),
      trace: graph.outputs.map((o) => o.name).filter((name) => !labels.includes(name)),
      mostSteps: 1,
    });
    return new Labels(cavi, instance, program);
  }

  close(): void {
    this.#program.close();
    this.instance.close();
  }

  /** Puts everything but the labels at a random point, and keys the streams of a chain. */
  start(seed: number | bigint, chain: number, attempt = 0): void {
    this.#program.seed(seed, chain);
    const { ascent, direct, places, draw } = this.cavi;
    const state = draw(stream(seed, chain, START_STREAM, attempt));
    startValues(ascent, direct, places, state).forEach((values, k) => {
      this.set(k, values);
    });
  }

  /** Keys the streams of a chain whose sites have been set. */
  key(seed: number | bigint, chain: number): void {
    this.#program.seed(seed, chain);
  }

  /** Gives site `k` its values. */
  set(k: number, values: Float64Array): void {
    this.values[k].set(values);
    this.ascent.startAt(k, this.values[k]);
  }

  /** Draws all labels given everything else. */
  async pass(sweep: number): Promise<Pass> {
    this.#program.set(this.instance.enter());
    const found = await this.#program.steps(sweep, 1);
    this.instance.take(found);
    const sizes = this.instance.kernels.discrete.map((_, s) => found[stageNames.sizes(s)]);
    const energy = found[stageNames.energy].reduce((sum, v) => sum + v, 0);
    return { energy, sizes };
  }

  /** The labels of the last pass, by discrete site: 0 for its first value. */
  async labels(): Promise<Float64Array[]> {
    const names = this.instance.kernels.discrete.map((_, s) => stageNames.kept(s));
    const found = await this.#program.read(names);
    return names.map((name) => found[name]);
  }

  /**
   * Draws site `k` from its conditional given the sums of the last pass and all other sites.
   * @throws TildeError `site_improper`
   */
  update(k: number, rng: RandomStream): void {
    const factor = this.ascent.factors[k] ?? internalError("a site without a factor");
    if (!factor.update(this.ascent.optimal(k))) {
      fail("site_improper", undefined, { method: "gibbs", name: this.names[k] });
    }
    factor.draw(rng, this.values[k], NO_STATES);
    this.ascent.startAt(k, this.values[k]);
  }

  /** Σ log density of what reads no label. */
  rest(): number {
    return this.instance.call("terms");
  }
}

/** The sites that a factor reads together. */
function dependentSites({ patterns }: StagedKernels): string {
  const pair = patterns.find((p) => p.references.length > 1);
  const names = [...new Set(pair?.references.map((r) => r.site.name))];
  return names.map((n) => `\`${n}\``).join(" and ");
}

/** What one pass from a start gives back: its energy, and each sum. */
interface PassAt {
  readonly energy: number;
  readonly sums: readonly Float64Array[];
}

/** The sums that the last pass of an instance gave. */
export function sumsOf(instance: StagedInstance): Float64Array[] {
  const { sums } = instance.kernels;
  return sums.map((s) => instance.f64(s.name).slice(0, s.length));
}

/**
 * The precision guard: what one pass gives back, with the same labels but for rounding.
 * @param exactly the same pass on the CPU in f64
 * @throws TildeError `device_imprecise`
 */
export async function guardPass(
  device: GraphDevice,
  instance: StagedInstance,
  exactly: () => Promise<PassAt>,
  here: () => Promise<PassAt>,
): Promise<readonly Diagnostic[]> {
  if (device.precision === "f64") return [];
  const { name } = device;
  if (!fitsCpu(instance.kernels)) return [diagnostic("device_unchecked", undefined, { name })];
  const [wanted, found] = [await exactly(), await here()];
  // Each sum by its own size.
  const sizes = wanted.sums.map((s) => s.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-300));
  const [at, there] = [wanted, found].map(({ energy, sums }) => ({
    lp: energy,
    gradient: sums.flatMap((s, k) => Array.from(s, (v) => v / sizes[k])),
  }));
  return await guardPrecision(
    device,
    [new Float64Array(0)],
    () => at,
    async () => there,
    "objective",
  );
}
