/** A chain of a planned Dirichlet-process mixture, and its draws by the model's names. */
import type { DataValue } from "../../../model/data.js";
import type { MakeInstance } from "../../conditionals/kernels.js";
import type { ChainKey } from "../../contract.js";
import { pack } from "../../state.js";
import type { LabelRows } from "../results/similarity.js";
import {
  type DpDraws,
  type DpOptions,
  type DpPast,
  type DpProgress,
  type DpStep,
  dpSteps,
  pastDraws,
} from "../samplers/run.js";
import { dpChainModel } from "./cluster-model.js";
import type { DpPlan } from "./dp-plan.js";

export interface DpChain {
  readonly draws: DpDraws;
  /** `[draws, latent scalars of plan.structure.globals in turn]`, in the model's coordinates. */
  readonly globals: Float64Array;
}

/** Where a chain's draws go as they come. */
export interface DpSink {
  /** Whether it is time to write. */
  readonly isDue: (bytes: number) => boolean;
  /** Before the first draw: what the chain needs to go on. */
  readonly warmup: (state: Float64Array) => void;
  /** Draws from `first` on: their log joint densities, and all else of them with the state. */
  readonly draws: (first: number, lp: Float64Array, block: Float64Array) => void;
  /** Reads the labels of the draws that it has. */
  readonly labels: LabelRows;
}

export interface DpControls {
  readonly shouldStop?: () => boolean;
  readonly sink?: DpSink;
  /** What a sink was given: the state of the warmup, and the blocks of draws in order. */
  readonly past?: DpLeft;
}

/** A chain that was left, as its sink has it: a state or a block at least. */
export interface DpLeft {
  readonly warmup?: Float64Array;
  /** Read one after another, each time that they are gone through. */
  readonly blocks: Iterable<Float64Array>;
  readonly labels: LabelRows;
}

/**
 * A chain in a workspace of its own, a step to each sweep.
 * @param options checked by the caller; see `dpSteps`
 */
export function* dpChainSteps(
  plan: DpPlan,
  make: MakeInstance,
  options: DpOptions,
  key: ChainKey,
  { shouldStop = () => false, sink, past }: DpControls,
): Generator<DpProgress, DpChain> {
  const model = dpChainModel(plan, make, key);
  const width = globalWidth(plan);
  const globals = new Float64Array(options.draws * width);
  const left = past && unpacked(past, width, globals);
  const steps = dpSteps(model, options, key, shouldStop, left, sink?.labels);
  let kept = left?.kept ?? 0;
  /** Draws that the sink has. */
  let written = kept;
  let bytes = 0;
  let last: DpStep | undefined;
  const write = (step: DpStep): void => {
    if (kept === written) {
      if (kept === 0) sink?.warmup(step.save());
      return;
    }
    const own = globals.subarray(written * width, kept * width);
    const block = packBlock(step.save(), step.rows(written), kept - written, own);
    sink?.draws(written, step.lp(written), block);
    step.forget();
    [written, bytes] = [kept, 0];
  };
  for (;;) {
    const step = steps.next();
    if (step.done) {
      // Sweeps behind the last kept draw belong to the state, and are swept again.
      if (last !== undefined && (kept > written || kept === 0)) write(last);
      return { draws: step.value, globals };
    }
    last = step.value;
    if (last.kept > kept) {
      if (width > 0) globals.set(model.globals(), kept * width);
      kept = last.kept;
      bytes += 8 * (3 + model.items + last.clusters * model.width + width);
    }
    if (sink?.isDue(bytes)) write(last);
    yield last;
  }
}

/** Numbers of a block before its state. */
const BLOCK_HEAD = 3;

/** A block of draws: the state behind them, their rows as a `DrawStore` packs them, and globals. */
export function packBlock(
  state: Float64Array,
  rows: Float64Array,
  draws: number,
  globals: Float64Array,
): Float64Array {
  return pack([[state.length, rows.length, draws], state, rows, globals]);
}

/** The state behind the last block, and the rows of all; globals go to `globals`. */
export function unpacked(
  { warmup, blocks }: DpLeft,
  width: number,
  globals: Float64Array,
): DpPast & { readonly kept: number } {
  let state = warmup ?? new Float64Array(0);
  let kept = 0;
  for (const block of blocks) {
    const [length, count, draws] = block;
    const behind = BLOCK_HEAD + length;
    state = block.slice(BLOCK_HEAD, behind);
    globals.set(block.subarray(behind + count), kept * width);
    kept += draws;
  }
  return { state, rows: rowsOf(blocks), kept };
}

/** The rows of each block, which is let go before the next one. */
function rowsOf(blocks: Iterable<Float64Array>): Iterable<Float64Array> {
  return {
    *[Symbol.iterator]() {
      for (const block of blocks) yield rowsIn(block);
    },
  };
}

/** What a block has of its draws, as `DpStep.rows` gave it. */
export function rowsIn(block: Float64Array): Float64Array {
  const [length, count] = block;
  return block.subarray(BLOCK_HEAD + length, BLOCK_HEAD + length + count);
}

/**
 * The draws of a chain that was left.
 * @param draws how many it was to have
 */
export function leftChain(plan: DpPlan, draws: number, left: DpLeft): DpChain {
  const width = globalWidth(plan);
  const globals = new Float64Array(draws * width);
  const past = unpacked(left, width, globals);
  const size = { items: plan.structure.items, width: plan.layout.length };
  return { draws: pastDraws(size, draws, past, left.labels), globals };
}

const globalWidth = ({ structure }: DpPlan): number =>
  structure.globals.reduce((n, s) => n + s.length, 0);

/**
 * The latent sites of draw t by name: labels, components `[clusters, …]` in the order of the labels,
 * α, and the sites outside the plate (those observed in part with the given entries).
 */
export function valuesOf(plan: DpPlan, chain: DpChain, t: number): Map<string, DataValue> {
  const { structure, layout, conditioned } = plan;
  const { draws, globals } = chain;
  const { items, width } = draws;
  const out = new Map<string, DataValue>();
  const labels = draws.labels.subarray(t * items, (t + 1) * items);
  out.set(structure.plate.label, { dims: structure.labelDims, data: Float64Array.from(labels) });
  if (structure.concentrationName !== undefined) {
    out.set(structure.concentrationName, { dims: [], data: Float64Array.of(draws.alpha[t]) });
  }
  const clusters = draws.clusters[t];
  const arrays = structure.components.map(({ name, dims, length }) => {
    const data = new Float64Array(clusters * length);
    out.set(name, { dims: [clusters, ...dims], data });
    return { data, length };
  });
  layout.forEach(({ component, element }, j) => {
    const { data, length } = arrays[component];
    for (let c = 0; c < clusters; c++) {
      data[c * length + element] = draws.thetas[(draws.offsets[t] + c) * width + j];
    }
  });
  let at = t * globalWidth(plan);
  for (const { name, dims, length } of structure.globals) {
    const own = globals.subarray(at, at + length);
    at += length;
    const given = conditioned.observed.get(name);
    let next = 0;
    const data = given?.data.map((v, i) => (given.missing?.[i] === 1 ? own[next++] : v));
    out.set(name, { dims, data: data ?? own });
  }
  return out;
}
