/**
 * Mean-field inference by coordinate ascent (Bishop 2006, chapter 10; Blei, Kucukelbir & McAuliffe
 * 2017): every sweep updates each factor in turn, and no update lowers the evidence bound. The
 * bound has many maxima, so ascent starts several times and the best end is kept.
 */

import { stream } from "../../math/rng/random.js";
import { type Conditioned, conditionalFactor } from "../ascent/conditional.js";
import { Ascent, type AscentState } from "../ascent/engine.js";
import { finish, type Waiting } from "../ascent/pending.js";
import { startCounts } from "../ascent/start.js";
import type { Checkpoints } from "../checkpoints.js";
import type { CaviOptions } from "./defaults.js";
import { type CaviPlan, startValues } from "./plan.js";
import { PointFactor } from "./points.js";
import { type CaviPosterior, posteriorOf } from "./posterior.js";

/** How one restart ended. */
export interface Restart {
  readonly elbo: number;
  readonly iterations: number;
  readonly converged: boolean;
  /** The last relative change of the bound. */
  readonly change: number;
  /** The bound after each sweep. */
  readonly history: readonly number[];
  /** Cut short by a device that was lost; q is at least as good as its last bound says. */
  readonly isLost?: true;
}

export interface CaviProgress {
  readonly restart: number;
  readonly restarts: number;
  readonly iteration: number;
  readonly elbo: number;
}

export interface CaviResult {
  readonly kind: "finished" | "stopped";
  /** Of the best restart. */
  readonly elbo: number;
  readonly history: readonly number[];
  readonly iterations: number;
  readonly converged: boolean;
  readonly change: number;
  readonly restarts: readonly Restart[];
  /** How many different bounds the restarts reached. */
  readonly distinctOptima: number;
  readonly posterior: CaviPosterior;
}

export type CaviFailure =
  /** No proper factor of a site. */
  | { readonly kind: "improper"; readonly name: string }
  /** No assignment of the discrete sites is possible. */
  | { readonly kind: "impossible" }
  /** The log density of sites outside every family is not finite anywhere that was tried. */
  | { readonly kind: "start"; readonly name: string }
  /** The bound is not finite: the data lie outside a support, or numbers overflow. */
  | { readonly kind: "bound"; readonly elbo: number };

export type CaviOutcome =
  | CaviResult
  | { readonly kind: "failed"; readonly failure: CaviFailure }
  /** Stopped before any restart had a bound. */
  | { readonly kind: "nothing" };

export interface CaviControls {
  readonly shouldStop?: () => boolean;
  readonly onProgress?: (progress: CaviProgress) => void;
  readonly checkpoints?: Checkpoints<CaviState>;
}

/** Where a run stands behind a sweep. */
export interface CaviState {
  readonly restart: number;
  /** Those that have ended, the best of them, and how the last one failed that did. */
  readonly restarts: readonly Restart[];
  readonly best?: Best;
  readonly failure?: CaviFailure;
  /** Of the present one. */
  readonly climb: ClimbState;
}

interface Best {
  readonly elbo: number;
  readonly saved: SavedSweep;
}

interface ClimbState {
  readonly history: readonly number[];
  readonly change: number;
  readonly saved: SavedSweep;
}

/** Bounds nearer than this, and than this part of them, are the same optimum. */
const SAME_BOUND = 1e-2;
const SAME_PART = 1e-6;
/** Random starts of the sites outside every family that are tried. */
const TRIES = 20;
/** Where the starts stand among the random streams of a seed. */
const STREAM = 0x20000000;

export function runCavi(
  plan: CaviPlan,
  options: CaviOptions,
  seed: number | bigint,
  controls: CaviControls = {},
): CaviOutcome {
  return finish(caviRun(plan, options, seed, controls));
}

/** The same run, which waits before each pass over the data: a device may do it. */
export function* caviRun(
  plan: CaviPlan,
  options: CaviOptions,
  seed: number | bigint,
  controls: CaviControls = {},
): Waiting<CaviOutcome> {
  const sweep = new Sweep(plan, seed);
  const { checkpoints } = controls;
  const past = checkpoints?.past;
  const restarts: Restart[] = [...(past?.restarts ?? [])];
  const total = sweep.isConvex ? 1 : options.restarts;
  let { best, failure } = past ?? {};
  let stopped = false;
  const first = past?.restart ?? 0;
  for (let r = first; r < total && !stopped; r++) {
    const told = (history: readonly number[], change: number): boolean => {
      const [iteration, elbo] = [history.length, history[history.length - 1]];
      controls.onProgress?.({ restart: r, restarts: total, iteration, elbo });
      stopped = controls.shouldStop?.() === true;
      if (stopped || checkpoints?.isDue()) {
        const present = { history, change, saved: sweep.brief(sweep.save()) };
        const highest = best && { ...best, saved: sweep.brief(best.saved) };
        checkpoints?.write({ restart: r, restarts, best: highest, failure, climb: present });
      }
      return stopped;
    };
    const from = r === first ? past?.climb : undefined;
    const run = yield* climb(sweep, options, seed, r, told, from);
    if (run === "lost") {
      stopped = true;
      continue;
    }
    if ("kind" in run) {
      failure = run;
      continue;
    }
    stopped ||= run.isLost === true;
    restarts.push(run);
    if (best === undefined || run.elbo > best.elbo) best = { elbo: run.elbo, saved: sweep.save() };
  }
  if (best === undefined) {
    return failure === undefined ? { kind: "nothing" } : { kind: "failed", failure };
  }
  sweep.restore(best.saved);
  if (!sweep.isBehind(best.saved)) sweep.ascent.updateDiscrete();
  if ((yield { kind: "marginals" }) === "lost") return { kind: "nothing" };
  const winner = restarts.reduce((a, b) => (b.elbo > a.elbo ? b : a));
  return {
    kind: stopped ? "stopped" : "finished",
    elbo: winner.elbo,
    history: winner.history,
    iterations: winner.iterations,
    converged: winner.converged,
    change: winner.change,
    restarts,
    distinctOptima: countDistinct(restarts.map((r) => r.elbo)),
    posterior: posteriorOf(plan, sweep.ascent, sweep.points),
  };
}

/** One restart, from its start (or where it stood) to where it settles. */
function* climb(
  sweep: Sweep,
  { maxIterations, tolerance }: CaviOptions,
  seed: number | bigint,
  restart: number,
  shouldStop: (history: readonly number[], change: number) => boolean,
  from?: ClimbState,
): Waiting<Restart | CaviFailure | "lost"> {
  const failed = yield* sweep.starting(seed, restart);
  if (failed !== undefined) return failed;
  const history: number[] = [...(from?.history ?? [])];
  let change = from?.change ?? Infinity;
  if (from !== undefined && (yield* sweep.goingOn(from.saved)) === "lost") return "lost";
  let isLost = false;
  while (history.length < maxIterations) {
    const broken = yield* sweep.running();
    if (broken === "lost") {
      if (history.length === 0) return "lost";
      isLost = true;
      break;
    }
    if (broken !== undefined) return broken;
    const elbo = sweep.elbo();
    if (!Number.isFinite(elbo)) return { kind: "bound", elbo };
    const before = history.at(-1);
    history.push(elbo);
    if (before !== undefined) change = Math.abs(elbo - before) / (Math.abs(elbo) + 1);
    if (change < tolerance || shouldStop(history, change)) break;
  }
  const elbo = history[history.length - 1];
  const converged = change < tolerance;
  const cut = isLost ? ({ isLost } as const) : {};
  return { elbo, iterations: history.length, converged, change, history, ...cut };
}

/** The bound after one sweep from a start, and the natural parameters that it leads to. */
export interface CaviProbe {
  readonly elbo: number;
  readonly natural: Float64Array;
}

/** What a device is compared by. Undefined where the start fails. */
export function* caviProbe(plan: CaviPlan, seed: number | bigint): Waiting<CaviProbe | undefined> {
  const sweep = new Sweep(plan, seed);
  if ((yield* sweep.starting(seed, 0)) !== undefined) return undefined;
  if ((yield* sweep.running()) !== undefined) return undefined;
  const elbo = sweep.elbo();
  const natural = sweep.naturals().flatMap((list) => list.flatMap((n) => [...n]));
  return { elbo, natural: Float64Array.from(natural) };
}

function countDistinct(bounds: readonly number[]): number {
  const sorted = [...bounds].sort((a, b) => a - b);
  let count = 0;
  let last = -Infinity;
  for (const b of sorted) {
    if (b - last > SAME_BOUND + SAME_PART * Math.abs(b)) {
      count++;
      last = b;
    }
  }
  return count;
}

export interface SavedSweep {
  readonly state: AscentState;
  readonly points?: Float64Array;
}

/** The updates of one sweep, in their order. */
export class Sweep {
  readonly points: PointFactor | undefined;
  readonly #plan: CaviPlan;
  readonly ascent: Ascent;
  readonly #order: readonly number[];
  readonly #conditional: Conditioned | undefined;

  constructor(plan: CaviPlan, seed: number | bigint) {
    this.#plan = plan;
    const instance = plan.make(plan.ascent.module);
    const { conditional } = plan;
    const conditioned = conditional && conditionalFactor(plan.ascent, instance, conditional);
    const special = new Map(
      conditional && conditioned ? [[conditional.site, conditioned.factor]] : [],
    );
    const ascent = new Ascent(plan.ascent, conditioned?.instance ?? instance, special);
    this.#conditional = conditioned;
    this.ascent = ascent;
    const { sites } = plan.ascent.joint;
    const indices = [...sites.keys()].filter((k) => sites[k].kind === "statistics");
    // Locations before scales: a scale fitted to a random location is far too wide.
    const rank = (k: number): number => (ascent.factors[k]?.family === "Normal" ? 0 : 1);
    this.#order = indices.sort((a, b) => rank(a) - rank(b) || a - b);
    const hasPoints = sites.some((s) => s.kind === "point");
    this.points = hasPoints ? new PointFactor(ascent, stream(seed, 0, STREAM, 0)) : undefined;
  }

  /** With a single factor every start ends in the same maximum. */
  get isConvex(): boolean {
    const factors = this.#order.length + (this.#plan.ascent.patterns.length > 0 ? 1 : 0);
    return factors <= 1 && this.points === undefined;
  }

  /** Random point masses and random assignments. */
  start(seed: number | bigint, restart: number): CaviFailure | "lost" | undefined {
    return finish(this.starting(seed, restart));
  }
  *starting(seed: number | bigint, restart: number): Waiting<CaviFailure | "lost" | undefined> {
    const { joint, patterns, discrete } = this.#plan.ascent;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const rng = stream(seed, restart, STREAM, 1 + attempt);
      const state = this.#plan.draw(rng);
      const values = startValues(this.#plan.ascent, this.#plan.direct, this.#plan.places, state);
      joint.sites.forEach((s, k) => {
        if (s.kind === "statistics") this.ascent.startAt(k, values[k]);
      });
      this.#conditional?.reset();
      // Seeds first: they end best most often, but not always.
      const kind = restart % 3 === 2 ? "soft" : "seeds";
      this.ascent.startCounts((counts) => {
        startCounts(kind, discrete, patterns, counts, rng);
      });
      if (patterns.length > 0 && (yield { kind: "counts" }) === "lost") return "lost";
      if (this.points === undefined) return undefined;
      const scale = 0.5 ** attempt;
      const all = this.points.sites.flatMap((k) => [...values[k]]);
      this.points.start(Float64Array.from(all, (v) => v * scale));
      if (this.ascent.scenarioValues().every(Number.isFinite)) return undefined;
    }
    const [name] = this.#plan.points.keys();
    return { kind: "start", name };
  }

  run(check: () => void = () => {}): CaviFailure | "lost" | undefined {
    return finish(this.running(check));
  }
  *running(check: () => void = () => {}): Waiting<CaviFailure | "lost" | undefined> {
    for (const k of this.#order) {
      const failed = this.ascent.updateFactor(k);
      if (failed !== undefined) return failed;
      check();
    }
    if (this.points !== undefined) {
      if (!this.points.update()) {
        const [name] = this.#plan.points.keys();
        return { kind: "start", name };
      }
      check();
    }
    if ((yield { kind: "discrete" }) === "lost") return "lost";
    if (!this.ascent.updateDiscrete()) return { kind: "impossible" };
    check();
    return undefined;
  }

  /** Natural parameters of the optimal factors at the present ones, by site. */
  naturals(): Float64Array[][] {
    return this.#order.map((k) => this.ascent.optimal(k).map((n) => n.slice()));
  }

  elbo(): number {
    return this.ascent.elbo() + (this.points?.entropy() ?? 0);
  }

  save(): SavedSweep {
    return { state: this.ascent.save(), points: this.points?.parameters };
  }
  /**
   * For a checkpoint, without what follows from the rest: counts have a number for each item, but
   * those of a conditional factor say how its parts are mixed.
   */
  brief({ state, points }: SavedSweep): SavedSweep {
    const { natural, discreteEntropy } = state;
    const counts = this.#conditional === undefined ? [] : state.counts;
    return { state: { natural, counts, discreteEntropy }, ...(points && { points }) };
  }
  /** Whether a saved sweep has its counts, or they are a device's. */
  isBehind({ state }: SavedSweep): boolean {
    return (
      state.counts.length === this.#plan.ascent.patterns.length ||
      this.#plan.ascent.isStaged === true
    );
  }
  /** Goes on behind a sweep, whose distribution of the discrete sites is that of its factors. */
  *goingOn(saved: SavedSweep): Waiting<"lost" | undefined> {
    this.restore(saved);
    if (this.#plan.ascent.isStaged !== true && this.isBehind(saved)) return undefined;
    if ((yield { kind: "discrete" }) === "lost") return "lost";
    this.ascent.updateDiscrete();
    return undefined;
  }
  restore(saved: SavedSweep): void {
    if (saved.points !== undefined) this.points?.load(saved.points);
    this.ascent.restore(saved.state);
  }
}
