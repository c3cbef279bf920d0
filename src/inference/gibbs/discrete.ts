/**
 * Draws of the discrete elements given everything else. The tables of the factors hold the log
 * density for all values of what they read, so one run of the tables serves the whole update:
 * chains by forward filtering and backward sampling, small components at once by their joint
 * table, all others element by element.
 */
import { internalError } from "../../base/internal.js";
import type { RandomStream } from "../../math/rng/random.js";
import { logsumexp } from "../../math/special/index.js";
import type { DirectJoint } from "../logjoint/direct.js";
import { findGroups, type Group } from "../logjoint/discrete/structure.js";

/** Elements that one joint table of at most so many entries holds are drawn at once. */
const JOINT_LIMIT = 1024;

/** Where one factor reads an element: entry `base + k · stride` for its value k. */
interface Incidence {
  readonly factor: number;
  readonly tuple: number;
  readonly slot: number;
}

/** How the elements of a group are drawn. */
export type DiscreteBlock =
  | { readonly kind: "chain"; readonly path: readonly number[] }
  | { readonly kind: "joint"; readonly elements: readonly number[] }
  | { readonly kind: "single"; readonly elements: readonly number[] };

export interface DiscretePlan {
  /** How many values each element has. */
  readonly counts: Int32Array;
  readonly incidences: readonly (readonly Incidence[])[];
  readonly blocks: readonly DiscreteBlock[];
  readonly factors: readonly {
    /** The element that reference r reads in tuple i. */
    readonly elements: readonly Float64Array[];
    /** Of the references, in the rows; and of a tuple. */
    readonly strides: readonly number[];
    readonly width: number;
  }[];
}

/** The blocks of a joint's discrete elements; undefined where it has none. */
export function planDiscrete(joint: DirectJoint): DiscretePlan | undefined {
  if (joint.discrete.length === 0) return undefined;
  const owner: number[] = [];
  joint.discrete.forEach((s, k) => {
    const elements = s.dims.reduce((n, d) => n * d, 1);
    for (let i = 0; i < elements; i++) owner.push(k);
  });
  const counts = Int32Array.from(owner, (k) => joint.discrete[k].count);
  const incidences: Incidence[][] = Array.from(counts, () => []);
  const factors = joint.factors.map((f, factor) => {
    const sizes = f.rows.shape.slice(1);
    const strides = sizes.map((_, k) => sizes.slice(k + 1).reduce((n, d) => n * d, 1));
    const elements = f.references.map((r) => r.elements);
    elements.forEach((list, slot) => {
      list.forEach((e, tuple) => {
        incidences[e].push({ factor, tuple, slot });
      });
    });
    return { elements, strides, width: sizes.reduce((n, d) => n * d, 1) };
  });
  const groups = findGroups(counts.length, joint.factors, (e) => owner[e]);
  const blocks = groups.flatMap((group) => blocksOf(group, counts));
  return { counts, incidences, blocks, factors };
}

function blocksOf(group: Group, counts: Int32Array): DiscreteBlock[] {
  switch (group.kind) {
    case "chains":
      return group.paths.map((path) => ({ kind: "chain", path }));
    case "loose":
      return [{ kind: "single", elements: group.elements }];
    case "aligned": {
      const { width, members } = group;
      const size = members.subarray(0, width).reduce((n, e) => n * counts[e], 1);
      if (width === 1 || size > JOINT_LIMIT) {
        return [{ kind: "single", elements: Array.from(members) }];
      }
      return Array.from({ length: members.length / width }, (_, c) => {
        const elements = Array.from(members.subarray(c * width, (c + 1) * width));
        return { kind: "joint", elements };
      });
    }
  }
}

/**
 * Draws every block in turn; `states` is read and written. False where the rest of the state
 * leaves an element no value of positive density.
 */
export function drawDiscrete(
  plan: DiscretePlan,
  tables: readonly Float64Array[],
  states: Float64Array,
  rng: RandomStream,
): boolean {
  const update: Update = { plan, tables, states, rng };
  return plan.blocks.every((block) => drawBlock(update, block));
}

function drawBlock(update: Update, block: DiscreteBlock): boolean {
  switch (block.kind) {
    case "chain":
      return drawChain(update, block.path);
    case "joint":
      return drawJoint(update, block.elements);
    case "single":
      return block.elements.every((e) => place(update, e, elementLogits(update, e)));
  }
}

interface Update {
  readonly plan: DiscretePlan;
  readonly tables: readonly Float64Array[];
  readonly states: Float64Array;
  readonly rng: RandomStream;
}

/** Draws an element from log weights. */
function place({ states, rng }: Update, e: number, logits: Float64Array): boolean {
  if (!Number.isFinite(logsumexp(logits))) return false;
  states[e] = rng.categoricalLog(logits);
  return true;
}

/** Adds an entry of a factor for each value of element e, the other references at the states. */
function addEntries(update: Update, e: number, at: Incidence, logits: Float64Array): void {
  const { plan, tables, states } = update;
  const { elements, strides, width } = plan.factors[at.factor];
  let base = at.tuple * width;
  for (let r = 0; r < strides.length; r++) {
    if (r !== at.slot) base += states[elements[r][at.tuple]] * strides[r];
  }
  const table = tables[at.factor];
  const stride = strides[at.slot];
  for (let k = 0; k < plan.counts[e]; k++) logits[k] += table[base + k * stride];
}

/** log p(e = k | rest), up to a constant. */
function elementLogits(update: Update, e: number): Float64Array {
  const logits = new Float64Array(update.plan.counts[e]);
  for (const at of update.plan.incidences[e]) addEntries(update, e, at, logits);
  return logits;
}

/**
 * Forward filtering, backward sampling (Carter and Kohn 1994; Scott 2002): the joint conditional
 * of a path whose neighbours meet in pairs.
 */
function drawChain(update: Update, path: readonly number[]): boolean {
  const { plan, tables, states, rng } = update;
  const place = new Map(path.map((e, t) => [e, t]));
  const values = plan.counts[path[0]];
  const own = path.map(() => new Float64Array(values));
  /** `[k before, k]` of each step from the second on. */
  const pairs = path.map(() => new Float64Array(values * values));
  path.forEach((e, t) => {
    for (const at of plan.incidences[e]) {
      const { elements, strides, width } = plan.factors[at.factor];
      if (strides.length === 1) {
        addEntries(update, e, at, own[t]);
        continue;
      }
      const other = elements[1 - at.slot][at.tuple];
      const before = place.get(other) ?? internalError("a chain has a neighbour outside");
      // Each pair once, at its later element.
      if (before !== t - 1) continue;
      const base = at.tuple * width;
      const table = tables[at.factor];
      for (let j = 0; j < values; j++) {
        for (let k = 0; k < values; k++) {
          const entry = base + j * strides[1 - at.slot] + k * strides[at.slot];
          pairs[t][j * values + k] += table[entry];
        }
      }
    }
  });
  const scratch = new Float64Array(values);
  for (let t = 1; t < path.length; t++) {
    for (let k = 0; k < values; k++) {
      for (let j = 0; j < values; j++) scratch[j] = own[t - 1][j] + pairs[t][j * values + k];
      own[t][k] += logsumexp(scratch);
    }
  }
  let next = -1;
  for (let t = path.length - 1; t >= 0; t--) {
    for (let j = 0; j < values; j++) {
      scratch[j] = own[t][j] + (next < 0 ? 0 : pairs[t + 1][j * values + next]);
    }
    if (!Number.isFinite(logsumexp(scratch))) return false;
    next = rng.categoricalLog(scratch);
    states[path[t]] = next;
  }
  return true;
}

/** A few elements at once, by the table of all their values. */
function drawJoint(update: Update, elements: readonly number[]): boolean {
  const { plan, tables, states, rng } = update;
  const total = elements.reduce((n, e) => n * plan.counts[e], 1);
  // Each tuple once, at the first of the elements that it reads.
  const first = new Map<string, Incidence>();
  for (const e of elements) {
    for (const at of plan.incidences[e]) {
      const key = `${at.factor} ${at.tuple}`;
      if (!first.has(key)) first.set(key, at);
    }
  }
  const assign = (index: number): void => {
    let rest = index;
    for (const e of elements) {
      states[e] = rest % plan.counts[e];
      rest = Math.floor(rest / plan.counts[e]);
    }
  };
  const logits = new Float64Array(total);
  for (let index = 0; index < total; index++) {
    assign(index);
    for (const { factor, tuple } of first.values()) {
      const { elements: read, strides, width } = plan.factors[factor];
      let at = tuple * width;
      for (let r = 0; r < strides.length; r++) at += states[read[r][tuple]] * strides[r];
      logits[index] += tables[factor][at];
    }
  }
  if (!Number.isFinite(logsumexp(logits))) return false;
  assign(rng.categoricalLog(logits));
  return true;
}
