/**
 * The blocked Gibbs sampler of a truncated Dirichlet-process mixture (Ishwaran and James 2001,
 * section 5) with its passes over the items on a device. Given weights and components, one call draws
 * all labels from the device's random streams and gives back sums over the items of each component.
 * Everything else is small and drawn on the host, each site from its complete conditional: given all
 * others its natural parameters are the gradient of the log joint in its statistics, as in mean-field
 * updates, at statistics of values in the place of expected ones.
 */
import { TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import { exchange } from "../../inference/ascent/columns.js";
import { type DpOptions, truncationError } from "../../inference/dp/index.js";
import {
  type DpChain,
  type DpControls,
  packBlock,
  unpacked,
} from "../../inference/dp/model/chain.js";
import type { DpPlan } from "../../inference/dp/model/dp-plan.js";
import { truncatedModel } from "../../inference/dp/model/truncated.js";
import { blockedPast, blockedState, DrawStore } from "../../inference/dp/samplers/run.js";
import { pack, unpack } from "../../inference/state.js";
import { type RandomStream, stream } from "../../math/rng/random.js";
import { Labels } from "./labels.js";

/** Streams of a sweep's blocks on the host; that of the start is 0 (`labels.ts`). */
const STREAMS = { labels: 1, thetas: 3, sticks: 6 } as const;

export interface BlockedControls extends Pick<DpControls, "sink" | "past"> {
  readonly shouldStop: () => boolean;
  readonly onProgress: (phase: "warmup" | "sampling", done: number, total: number) => void;
}

/** A chain, and a device that was lost on the way: what was drawn before counts. */
export interface BlockedChain {
  readonly chain: DpChain;
  readonly lost?: TildeError;
}

/** What a pass gives back. */
export interface Pass {
  /** Σ log weight + log density over the items at their labels. */
  readonly energy: number;
  /** Items of each component. */
  readonly sizes: Float64Array;
}

/** The sampler of a model, compiled for a device; its chains run one after another. */
export class BlockedSampler {
  readonly components: number;
  readonly #labels: Labels;
  readonly #plan: DpPlan;
  readonly #sticks: number;
  /** Whether labels can be exchanged without a further pass. */
  readonly #canSwitch: boolean;
  /** log V and log(1 − V), which stay exact where V rounds to 0 or 1. The last V is 1. */
  readonly #breaks: Float64Array;
  readonly #rests: Float64Array;
  #sizes: Float64Array;

  private constructor(plan: DpPlan, labels: Labels, components: number, sticks: string) {
    this.components = components;
    this.#plan = plan;
    this.#labels = labels;
    this.#sticks = this.#names.indexOf(sticks);
    this.#canSwitch = this.instance.kernels.sums.every((s) => {
      return s.columns !== undefined || s.sites.every((k) => k === this.#sticks);
    });
    this.#breaks = new Float64Array(components);
    this.#rests = new Float64Array(components);
    this.#sizes = new Float64Array(components);
  }

  /** @throws TildeError `device_step` where a site has no conditional that can be drawn from */
  static async create(
    plan: DpPlan,
    device: GraphDevice,
    components: number,
  ): Promise<BlockedSampler> {
    const { conditioned, sticks } = truncatedModel(plan.conditioned, components);
    const labels = await Labels.create(conditioned, device);
    return new BlockedSampler(plan, labels, components, sticks);
  }

  get instance() {
    return this.#labels.instance;
  }
  /** Values that each site has now, by index in the joint. */
  get #values(): readonly Float64Array[] {
    return this.#labels.values;
  }
  get #names(): readonly string[] {
    return this.#labels.names;
  }

  close(): void {
    this.#labels.close();
  }

  /** Puts everything but the labels at a random point, and keys the streams of a chain. */
  start(seed: number | bigint, chain: number): void {
    this.#labels.start(seed, chain);
    const sticks = this.#values[this.#sticks];
    sticks.forEach((v, k) => {
      this.#breaks[k] = Math.log(v);
      this.#rests[k] = Math.log1p(-v);
    });
  }

  /** Draws all labels given weights and components. */
  async pass(sweep: number): Promise<Pass> {
    const { energy, sizes } = await this.#labels.pass(sweep);
    [this.#sizes] = sizes;
    return { energy, sizes: this.#sizes };
  }

  /** The labels of the last pass. */
  async labels(): Promise<Float64Array> {
    const [labels] = await this.#labels.labels();
    return labels;
  }

  /** Draws everything but the labels. @returns where the labels of the pass have gone */
  update(seed: number | bigint, chain: number, sweep: number): Int32Array {
    const places = Int32Array.from({ length: this.components }, (_, k) => k);
    if (this.#canSwitch) this.#switchLabels(places, stream(seed, chain, STREAMS.labels, sweep));
    const rng = stream(seed, chain, STREAMS.thetas, sweep);
    this.#values.forEach((_, k) => {
      if (k === this.#sticks) return;
      this.#labels.update(k, rng);
    });
    this.#drawSticks(stream(seed, chain, STREAMS.sticks, sweep));
    return places;
  }

  /** α as it stands. */
  alpha(): number {
    const { concentration, concentrationName } = this.#plan.structure;
    if (concentration.kind === "fixed") return concentration.value;
    return this.#values[this.#names.indexOf(concentrationName ?? "")][0];
  }

  /** V_k ~ Beta(1 + n_k, α + Σ_{l>k} n_l), in logs. */
  #drawSticks(rng: RandomStream): void {
    const T = this.components;
    const alpha = this.alpha();
    let beyond = this.#sizes.reduce((n, c) => n + c, 0);
    const values = this.#values[this.#sticks];
    for (let k = 0; k < T - 1; k++) {
      beyond -= this.#sizes[k];
      const odds = rng.logitBeta(1 + this.#sizes[k], alpha + Math.max(0, beyond));
      this.#rests[k] = odds > 0 ? -odds - Math.log1p(Math.exp(-odds)) : -Math.log1p(Math.exp(odds));
      this.#breaks[k] = odds + this.#rests[k];
      values[k] = Math.exp(this.#breaks[k]);
    }
    this.#placeSticks();
  }

  #placeSticks(): void {
    const T = this.components;
    const { cavi, ascent } = this.#labels;
    const site = cavi.ascent.joint.sites[this.#sticks];
    const out = ascent.expectedStatistics(this.#sticks);
    if (site.kind === "point") internalError("sticks without statistics");
    site.statistics.forEach(({ statistic: { kind } }, j) => {
      const from = { log: this.#breaks, log1m: this.#rests, value: this.#values[this.#sticks] };
      if (kind !== "log" && kind !== "log1m" && kind !== "value") {
        internalError(`sticks are read by ${kind}`);
      }
      out[j].set(from[kind].subarray(0, T - 1));
    });
  }

  /**
   * The moves of Papaspiliopoulos and Roberts (2008, section 4), as the CPU's sampler makes them:
   * two components in use, weights staying; neighbours with their breaks.
   */
  #switchLabels(places: Int32Array, rng: RandomStream): void {
    const T = this.components;
    const used = [...this.#sizes.keys()].filter((k) => this.#sizes[k] > 0);
    if (used.length > 1) {
      const a = rng.int(used.length);
      const b = (a + 1 + rng.int(used.length - 1)) % used.length;
      const [j, l] = [used[a], used[b]];
      const log = (this.#sizes[l] - this.#sizes[j]) * (this.#logWeight(j) - this.#logWeight(l));
      if (Math.log(rng.uniform()) < log) this.#exchange(places, j, l);
    }
    // Not with the last one, whose break is 1 by truncation.
    if (T < 3) return;
    const j = rng.int(T - 2);
    const log = this.#sizes[j] * this.#rests[j + 1] - this.#sizes[j + 1] * this.#rests[j];
    if (!(Math.log(rng.uniform()) < log)) return;
    for (const v of [this.#breaks, this.#rests, this.#values[this.#sticks]]) {
      [v[j], v[j + 1]] = [v[j + 1], v[j]];
    }
    this.#placeSticks();
    this.#exchange(places, j, j + 1);
  }

  #logWeight(k: number): number {
    const isLast = k === this.components - 1;
    const rest = this.#rests.subarray(0, k).reduce((sum, v) => sum + v, 0);
    return rest + (isLast ? 0 : this.#breaks[k]);
  }

  /** Exchanges two labels: sizes, sums, and parameters. */
  #exchange(places: Int32Array, j: number, l: number): void {
    for (let k = 0; k < places.length; k++) {
      if (places[k] === j) places[k] = l;
      else if (places[k] === l) places[k] = j;
    }
    exchange(this.#sizes, [this.components], 0, j, l);
    for (const { name, shape, columns } of this.instance.kernels.sums) {
      if (typeof columns !== "number") continue;
      exchange(this.instance.f64(name), shape, columns, j, l);
    }
    for (const { name, length } of this.#plan.structure.components) {
      const k = this.#names.indexOf(name);
      exchange(this.#values[k], [this.components, length], 0, j, l);
      this.#labels.ascent.startAt(k, this.#values[k]);
    }
  }

  /** Behind a sweep: all that the next one depends on. */
  #save(sweep: number): Float64Array {
    const own = pack([...this.#values, this.#breaks, this.#rests]);
    return blockedState(sweep, this.alpha(), this.components, own);
  }

  /** Takes up what `#save` gave. @returns its sweep */
  #goOn(state: Float64Array): number {
    const { sweep, own } = blockedPast(state);
    unpack(own, [...this.#values, this.#breaks, this.#rests]);
    this.#values.forEach((values, k) => {
      this.#labels.ascent.startAt(k, values);
    });
    this.#placeSticks();
    return sweep;
  }

  /** Runs a chain. @throws TildeError where the device is lost before the first draw */
  async chain(
    settings: DpOptions,
    seed: number | bigint,
    chain: number,
    controls: BlockedControls,
  ): Promise<BlockedChain> {
    const { structure, layout } = this.#plan;
    const { warmup, draws, thin } = settings;
    const { items } = structure;
    const { sink, past } = controls;
    const store = new DrawStore({ items, width: layout.length }, draws, sink?.labels);
    const globals = structure.globals.map((g) => this.#names.indexOf(g.name));
    const width = structure.globals.reduce((n, g) => n + g.length, 0);
    const globalDraws = new Float64Array(draws * width);
    let kind: "finished" | "stopped" = "finished";
    let lost: TildeError | undefined;
    const total = warmup + draws * thin;
    this.start(seed, chain);
    const left = past && unpacked(past, width, globalDraws);
    for (const rows of left?.rows ?? []) store.append(rows);
    /** The last sweep, draws so far, those that the sink has, and bytes of the others. */
    let sweep = left === undefined ? 0 : this.#goOn(left.state);
    let kept = store.kept;
    let written = kept;
    let bytes = 0;
    const write = (): void => {
      if (sink === undefined) return;
      if (kept === written) {
        if (kept === 0) sink.warmup(this.#save(sweep));
        return;
      }
      const own = globalDraws.subarray(written * width, kept * width);
      const rows = store.packed(written);
      const block = packBlock(this.#save(sweep), rows, kept - written, own);
      sink.draws(written, store.lpFrom(written), block);
      store.forget();
      [written, bytes] = [kept, 0];
    };
    try {
      for (let t = sweep + 1; t <= total; t++) {
        if (controls.shouldStop()) {
          kind = "stopped";
          break;
        }
        const { energy, sizes } = await this.pass(t);
        const isKept = t > warmup && (t - warmup) % thin === 0;
        const labels = isKept ? await this.labels() : undefined;
        const places = this.update(seed, chain, t);
        if (labels !== undefined) {
          store.keep(this.#state(labels, places, sizes, energy), this.alpha());
          let at = kept++ * width;
          for (const k of globals) {
            globalDraws.set(this.#values[k], at);
            at += this.#values[k].length;
          }
          bytes += 8 * (3 + items + this.components * layout.length + width);
        }
        sweep = t;
        if (sink?.isDue(bytes)) write();
        if (t <= warmup) controls.onProgress("warmup", t, warmup);
        else controls.onProgress("sampling", t - warmup, total - warmup);
        // Signals and timers are heard between sweeps.
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      const isFull = error instanceof TildeError && error.diagnostics[0].code === "file_unwritable";
      if (!(error instanceof TildeError) || isFull || kept === 0) throw error;
      lost = error;
      kind = "stopped";
    }
    // Also of a device that was lost: what a sweep leaves is here.
    if (sweep > 0 && (kept > written || kept === 0)) write();
    const alpha = store.largestAlpha(this.alpha());
    const done: DpChain = {
      globals: globalDraws,
      draws: {
        kind,
        algorithm: "blocked",
        ...store.result(),
        splitMerge: { proposed: 0, accepted: 0 },
        truncation: {
          components: this.components,
          error: truncationError(items, alpha, this.components),
        },
      },
    };
    return { chain: done, ...(lost && { lost }) };
  }

  /** The components in use side by side, and each item's among them. */
  #state(labels: Float64Array, places: Int32Array, sizes: Float64Array, energy: number) {
    const { structure, layout } = this.#plan;
    const used = [...sizes.keys()].filter((k) => sizes[k] > 0);
    const compact = new Int32Array(this.components);
    used.forEach((k, c) => {
      compact[k] = c;
    });
    const columns = layout.map(({ component, element }) => {
      const { name, length } = structure.components[component];
      return { values: this.#values[this.#names.indexOf(name)], length, element };
    });
    return {
      rows: (out: Int32Array): void => {
        for (let i = 0; i < out.length; i++) out[i] = compact[places[labels[i]]];
      },
      thetas: (): Float64Array => {
        const out = new Float64Array(used.length * columns.length);
        used.forEach((k, c) => {
          columns.forEach(({ values, length, element }, j) => {
            out[c * columns.length + j] = values[k * length + element];
          });
        });
        return out;
      },
      logJoint: (): number => energy,
    };
  }
}
