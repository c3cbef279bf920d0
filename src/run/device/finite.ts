/**
 * Gibbs sampling of finite models on a device: all labels of the discrete sites at once, given the
 * rest, in one call a sweep; the rest on the host (`labels.ts`). In a sweep the continuous sites come
 * first, so that a pass gives the log joint of the draw that it ends.
 */
import { type Diagnostic, fail, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import type { ChainStorage } from "../../inference/contract.js";
import type { DiscreteSite } from "../../inference/logjoint/discrete/index.js";
import type { LatentVariable } from "../../inference/logjoint/latents.js";
import { pack, unpack } from "../../inference/state.js";
import { stream } from "../../math/rng/random.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { ChainEnd, GibbsControls } from "../chains.js";
import type { GibbsOptions } from "../methods.js";
import { openCpuGraphs } from "./cpu-graphs.js";
import { guardPass, Labels, sumsOf } from "./labels.js";
import { refuseStep } from "./staged.js";

/** The stream of a sweep's continuous sites; that of the start is 0 (`labels.ts`). */
const SITES_STREAM = 3;
/** Random starts until one has a positive density. */
const START_TRIES = 100;
/** The progress is told about this often. */
const TELL_MS = 100;

/** A finite model's sampler, compiled for a device; its chains run one after another. */
export class FiniteSampler {
  readonly latents: readonly LatentVariable[];
  readonly discrete: readonly DiscreteSite[];
  /** Numbers of a draw: the continuous scalars, then the labels. */
  readonly width: number;
  readonly #labels: Labels;
  readonly #continuous: number;

  private constructor(labels: Labels) {
    this.#labels = labels;
    const { direct } = labels.cavi;
    this.latents = direct.sites.map((s) => s.latent);
    this.discrete = direct.discrete;
    const drawn = labels.instance.kernels.discrete;
    if (drawn.length !== direct.discrete.length)
      internalError("a discrete site that nothing reads");
    this.#continuous = this.latents.reduce((n, v) => n + v.length, 0);
    const elements = drawn.reduce((n, s) => n + s.dims.reduce((m, d) => m * d, 1), 0);
    this.width = this.#continuous + elements;
  }

  /** @throws TildeError where an option or a site has no program for devices */
  static async create(
    conditioned: Conditioned,
    device: GraphDevice,
    { sites, blocks, scan, algorithm }: GibbsOptions,
  ): Promise<FiniteSampler> {
    const refuse = (step: string, reason: string): never =>
      refuseStep("gibbs", device, { kind: "not_staged", step, reason });
    for (const [name, how] of Object.entries(sites)) {
      if (how === "conjugate" || how === "enumerate") continue;
      refuse(
        `the update of \`${name}\` by ${how}`,
        "sites are drawn from their conditionals there",
      );
    }
    if (scan === "random") {
      refuse("the random scan", "a sweep draws all labels at once, after the other sites");
    }
    if (algorithm !== "auto" && algorithm !== "blocked") {
      refuse(`the algorithm \`${algorithm}\``, "no plate of the model is unbounded");
    }
    return new FiniteSampler(await Labels.create(conditioned, device, { joint: blocks }));
  }

  close(): void {
    this.#labels.close();
  }

  /** Seconds of a sweep, once it is set up. */
  async sweepSeconds(seed: number | bigint): Promise<number> {
    await this.#start(seed, 0);
    let seconds = 0;
    for (let t = 1; t <= 2; t++) {
      const begin = performance.now();
      await this.#sweep(seed, 0, t);
      seconds = (performance.now() - begin) / 1000;
    }
    return seconds;
  }

  /** Compares a pass with the CPU's in f64. @throws TildeError `device_imprecise` */
  async guard(
    conditioned: Conditioned,
    device: GraphDevice,
    options: GibbsOptions,
    seed: number | bigint,
  ): Promise<readonly Diagnostic[]> {
    const passOf = async (of: FiniteSampler) => {
      const energy = await of.#start(seed, 0);
      return { energy, sums: sumsOf(of.#labels.instance) };
    };
    const exactly = async () => {
      const exact = await FiniteSampler.create(conditioned, openCpuGraphs(), options);
      try {
        return await passOf(exact);
      } finally {
        exact.close();
      }
    };
    return await guardPass(device, this.#labels.instance, exactly, () => passOf(this));
  }

  /** A random state of positive density, with labels given it. @returns the energy of its pass */
  async #start(seed: number | bigint, chain: number): Promise<number> {
    for (let k = 0; k < START_TRIES; k++) {
      this.#labels.start(seed, chain, k);
      const { energy } = await this.#labels.pass(0);
      if (Number.isFinite(energy + this.#labels.rest())) return energy;
    }
    return fail("gibbs_start", undefined, { tries: START_TRIES });
  }

  /** One update of everything; sweeps are numbered from 1. @returns the log joint */
  async #sweep(seed: number | bigint, chain: number, t: number): Promise<number> {
    const rng = stream(seed, chain, SITES_STREAM, t);
    this.#labels.values.forEach((_, k) => {
      this.#labels.update(k, rng);
    });
    const rest = this.#labels.rest();
    const { energy } = await this.#labels.pass(t);
    if (!Number.isFinite(energy)) fail("states_impossible", undefined, { method: "gibbs" });
    return rest + energy;
  }

  /**
   * Runs a chain into `storage`: rows of `width` numbers, and the log joint of each. What it needs to
   * go on are the sweep's number and the values of the continuous sites: a pass given them draws the
   * same labels again.
   */
  async chain(
    options: Pick<GibbsOptions, "warmup" | "draws" | "thin">,
    seed: number | bigint,
    chain: number,
    { shouldStop = () => false, sink, past, storage }: GibbsControls,
    onProgress: (phase: "warmup" | "sampling", done: number, total: number) => void,
  ): Promise<FiniteChain> {
    const { warmup, draws, thin } = options;
    const begun = performance.now();
    const before = { warmup: past?.warmup[0] ?? 0, sampling: past?.draws?.[0] ?? 0 };
    let warmed = past?.warmup[1] ?? 0;
    let kept = past?.draws?.[1] ?? 0;
    let warm = begun;
    let seconds = { ...before };
    let told = begun;
    let lost: TildeError | undefined;
    const end = (kind: "finished" | "stopped"): FiniteChain => ({
      end: { kind, draws: kept, seconds, gradients: 0 },
      ...(lost && { lost }),
    });
    const save = (head: readonly number[], values: readonly Float64Array[]): Float64Array =>
      pack([head, ...values]);
    /** The continuous sites of the last draw: a device that is lost leaves those of a part of a sweep. */
    let drawn: readonly Float64Array[] = [];
    const rows = sink === undefined ? draws : storage.statistics.length;
    /** The draw of the storage's first row. */
    let from = kept;
    const take = (): void => {
      seconds = { ...seconds, sampling: before.sampling + (performance.now() - warm) / 1000 };
      if (kept > from) sink?.draws(from, kept - from, save([seconds.sampling, kept], drawn));
      from = kept;
    };
    const takeWarmup = (): void => {
      seconds = { ...seconds, warmup: before.warmup + (performance.now() - begun) / 1000 };
      sink?.warmup(save([seconds.warmup, warmed], this.#labels.values));
    };
    try {
      const state = past?.draws ?? past?.warmup;
      if (state === undefined) await this.#start(seed, chain);
      else await this.#restore(seed, chain, state, warmed + kept * thin);
      const isNew = past === undefined || warmed < warmup;
      while (warmed < warmup) {
        if (shouldStop()) {
          takeWarmup();
          return end("stopped");
        }
        await this.#sweep(seed, chain, ++warmed);
        // Signals and timers are heard between sweeps.
        await new Promise((resolve) => setImmediate(resolve));
        if (performance.now() - told < TELL_MS) continue;
        told = performance.now();
        if (sink?.isDue()) takeWarmup();
        onProgress("warmup", warmed, warmup);
      }
      if (isNew) takeWarmup();
      warm = performance.now();
      while (kept < draws) {
        if (shouldStop()) {
          take();
          return end("stopped");
        }
        const first = warmup + kept * thin + 1;
        let lp = 0;
        for (let s = 0; s < thin; s++) {
          lp = await this.#sweep(seed, chain, first + s);
          await new Promise((resolve) => setImmediate(resolve));
        }
        const at = kept - (sink === undefined ? 0 : from);
        await this.#write(storage, at, lp);
        if (sink !== undefined) drawn = this.#labels.values.map((v) => v.slice());
        kept++;
        const due = performance.now() - told >= TELL_MS;
        if (sink !== undefined && (kept - from === rows || (due && sink.isDue()))) take();
        if (!due && kept < draws) continue;
        told = performance.now();
        onProgress("sampling", kept, draws);
      }
    } catch (error) {
      const isDevice = error instanceof TildeError && isLoss(error);
      if (!isDevice || kept === 0) throw error;
      lost = error;
    }
    take();
    return end(lost === undefined ? "finished" : "stopped");
  }

  async #restore(
    seed: number | bigint,
    chain: number,
    state: Float64Array,
    sweep: number,
  ): Promise<void> {
    this.#labels.key(seed, chain);
    const own = this.#labels.values.map((v) => new Float64Array(v.length));
    unpack(state.subarray(2), own);
    own.forEach((values, k) => {
      this.#labels.set(k, values);
    });
    await this.#labels.pass(sweep);
  }

  async #write({ constrained, statistics }: ChainStorage, row: number, lp: number): Promise<void> {
    const out = constrained.subarray(row * this.width, (row + 1) * this.width);
    const { places, direct } = this.#labels.cavi;
    direct.sites.forEach(({ latent: { offset, length } }, k) => {
      const { site, from } = places[k];
      out.set(this.#labels.values[site].subarray(from, from + length), offset);
    });
    const labels = await this.#labels.labels();
    this.#labels.instance.kernels.discrete.forEach(({ offset, low }, s) => {
      const own = labels[s];
      const to = out.subarray(this.#continuous + offset);
      for (let i = 0; i < own.length; i++) to[i] = low + own[i];
    });
    statistics[row] = lp;
  }
}

/** A chain's end, and a device that was lost on the way: what was drawn before counts. */
export interface FiniteChain {
  readonly end: ChainEnd;
  readonly lost?: TildeError;
}

/** Whether it is the device that has failed, and not the model or a disk. */
export function isLoss(error: TildeError): boolean {
  const own = new Set(["site_improper", "states_impossible", "gibbs_start", "file_unwritable"]);
  return error.diagnostics.every((d) => !own.has(d.code));
}
