/**
 * Searches for a mode on a device: all starts move as one program, a pass of which is one value and
 * gradient of each (`inference/map/many.ts`). Points, gradients and remembered pairs stay there; what
 * comes back in a pass is how many searches are still open.
 */
import { type Diagnostic, TildeError } from "../../base/diagnostic.js";
import type { GraphDevice, LoopProgram } from "../../device/contract.js";
import {
  manySearches,
  PHASE,
  SEARCH_STATUS,
  searchSettings,
  settingsVector,
} from "../../inference/map/many.js";
import {
  type ModeOptions,
  type ModeSearch,
  type NoMode,
  startPoint,
  TRIES_PER_START,
} from "../../inference/map/mode.js";
import type { Graph } from "../../tensor/ops.js";

/** Passes of the first call; later ones grow with what was done. */
const FIRST_PASSES = 8;
const MOST_PASSES = 256;
/** Calls last at most about this long: between them a run can be stopped. */
const CALL_SECONDS = 0.25;
/** What a lost device takes with it is at most the work of this long. */
const KEEP_SECONDS = 1;

/** Points with the device's values there, for the precision guard. */
export interface Begun {
  readonly points: readonly Float64Array[];
  readonly at: readonly { readonly lp: number; readonly gradient: Float64Array }[];
}

export interface DeviceSearches {
  readonly kind: "found";
  /** Every start's search, in their order; those that could not begin are out. */
  readonly searches: readonly ModeSearch[];
  readonly interrupted: boolean;
  /** Of a device that was lost on the way. */
  readonly warnings: readonly Diagnostic[];
}

/**
 * Searches from all starts.
 * @param density outputs `lp` and `grad` of the input `q`
 * @param check sees where the searches begin, before they do
 * @throws TildeError where the device is lost before anything was read back; what `check` throws
 */
export async function searchesOn(
  device: GraphDevice,
  density: Graph,
  options: ModeOptions,
  seed: number | bigint,
  shouldStop: () => boolean,
  check: (begun: Begun) => Promise<void>,
): Promise<DeviceSearches | NoMode> {
  const { graph, state, trace } = manySearches(density, options.starts);
  const program = await device.compileLoop({
    graph,
    state,
    trace,
    noise: [],
    mostSteps: MOST_PASSES,
  });
  try {
    const [d] = density.inputs[0].shape;
    const settings = searchSettings(device.precision, options.maxIterations);
    program.set({ search_settings: settingsVector(settings) });
    const tries = await begin(program, options, d, seed);
    const begun = await read(program, d);
    const open = begun.filter(hasBegun);
    if (open.length === 0) {
      const [{ q }] = begun;
      return { kind: "failed", tries, position: q, lp: Number.NaN, badGradient: [] };
    }
    await check({
      points: open.map((s) => s.q),
      at: open.map((s) => ({ lp: s.lp, gradient: s.gradient })),
    });
    return await follow(program, d, begun, shouldStop);
  } finally {
    program.close();
  }
}

/** Seconds of a pass on a device, once it is set up. */
export async function searchSeconds(
  device: GraphDevice,
  density: Graph,
  starts: number,
): Promise<number> {
  const { graph, state, trace } = manySearches(density, starts);
  const program = await device.compileLoop({ graph, state, trace, noise: [], mostSteps: 8 });
  try {
    const [d] = density.inputs[0].shape;
    const settings = settingsVector(searchSettings(device.precision, 1_000_000));
    program.set({
      search_settings: settings,
      x: new Float64Array(starts * d),
      phase: new Float64Array(starts).fill(PHASE.begin),
    });
    // The first call ends the setting up.
    await program.steps(0, 1);
    const start = performance.now();
    await program.steps(1, 8);
    return (performance.now() - start) / 1000 / 8;
  } finally {
    program.close();
  }
}

/**
 * Puts every search at a random point whose value and gradient are finite, where one is found.
 * @returns how many points were tried
 */
async function begin(
  program: LoopProgram,
  { starts, initRadius }: ModeOptions,
  d: number,
  seed: number | bigint,
): Promise<number> {
  const x = new Float64Array(starts * d);
  const phase = new Float64Array(starts).fill(PHASE.begin);
  const none = new Float64Array(starts);
  let waiting = Array.from({ length: starts }, (_, s) => s);
  let tries = 0;
  for (let attempt = 0; attempt < TRIES_PER_START && waiting.length > 0; attempt++) {
    for (const s of waiting) x.set(startPoint(seed, s, attempt, d, initRadius), s * d);
    tries += waiting.length;
    // Searches that have begun do so again, at the same point.
    program.set({ x, phase, status: none, evaluations: none });
    await program.steps(0, 1);
    const { status } = await program.read(["status"]);
    waiting = waiting.filter((s) => nameOf(status[s]) === "non-finite-start");
  }
  return tries;
}

const hasBegun = (s: ModeSearch): boolean => s.status !== "non-finite-start";

interface Place extends ModeSearch {
  readonly gradient: Float64Array;
  readonly isOpen: boolean;
}

/** Calls the program until every search has ended. */
async function follow(
  program: LoopProgram,
  d: number,
  begun: readonly Place[],
  shouldStop: () => boolean,
): Promise<DeviceSearches> {
  let last = begun;
  let open = begun.filter((s) => s.isOpen).length;
  let passes = 1;
  let count = FIRST_PASSES;
  let kept = performance.now();
  let interrupted = false;
  const warnings: Diagnostic[] = [];
  try {
    while (open > 0) {
      // Signals and timers are heard between calls.
      await new Promise((resolve) => setImmediate(resolve));
      if (shouldStop()) {
        interrupted = true;
        break;
      }
      const start = performance.now();
      const told = await program.steps(passes, count);
      const seconds = (performance.now() - start) / 1000;
      passes += count;
      open = told.open[count - 1];
      if (open > 0 && performance.now() - kept > 1000 * KEEP_SECONDS) {
        last = await read(program, d);
        kept = performance.now();
      }
      // Passes behind the end of the last search are for nothing: at most half as many as before it.
      const fitting = Math.floor((count * CALL_SECONDS) / Math.max(seconds, 1e-6));
      count = Math.max(1, Math.min(MOST_PASSES, fitting, Math.max(FIRST_PASSES, passes >> 1)));
    }
    last = await read(program, d);
  } catch (error) {
    if (!(error instanceof TildeError) || last === begun) throw error;
    interrupted = true;
    warnings.push(...error.diagnostics);
  }
  return { kind: "found", searches: last.filter(hasBegun), interrupted, warnings };
}

function nameOf(status: number): (typeof SEARCH_STATUS)[number] {
  return SEARCH_STATUS[Math.round(status)] ?? "open";
}

async function read(program: LoopProgram, d: number): Promise<Place[]> {
  const found = await program.read(["x", "g", "f", "status", "iterations", "evaluations"]);
  return Array.from(found.f, (f, s): Place => {
    const name = nameOf(found.status[s]);
    const gradient = found.g.slice(s * d, (s + 1) * d).map((v) => -v);
    const isOpen = name === "open";
    const converged = ![
      "open",
      "iteration-limit",
      "line-search-failed",
      "non-finite-start",
    ].includes(name);
    return {
      q: found.x.slice(s * d, (s + 1) * d),
      lp: -f,
      gradient,
      gradientNorm: Math.sqrt(gradient.reduce((sum, v) => sum + v * v, 0)),
      iterations: found.iterations[s],
      evaluations: found.evaluations[s],
      status: isOpen ? "interrupted" : name,
      converged,
      isOpen,
    };
  });
}
