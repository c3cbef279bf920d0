/**
 * Normal sites that are drawn together. Where the log joint is quadratic in several sites at once,
 * they are one normal vector given the rest; its precision is as sparse as the model's structure,
 * so a hierarchy or a chain of n scalars costs O(n) to draw by a sparse Cholesky factor (Rue 2001),
 * and blocks mix better than their parts (Liu, Wong and Kong 1994). Like the conditionals, blocks
 * are found by probing gradients at random states, not from the model's text.
 */
import { internalError } from "../../base/internal.js";
import type { RandomStream } from "../../math/rng/random.js";
import { stream } from "../../math/rng/random.js";
import type { Conjugate } from "../conditionals/finding.js";
import { inputBuffer } from "../conditionals/kernels.js";
import { type DrawState, loadState } from "../conditionals/states.js";
import type { KernelInstance } from "../contract.js";
import type { DirectJoint } from "../logjoint/direct.js";
import { type Factorisation, factorise, type Pattern, readPlace, starColours } from "./sparse.js";

/** How far probes reach from the origin: as the references of the normal rule. */
export const FAR = 2 ** 20;

/** A normal vector: the scalars of its sites, one site after another. */
export interface JointNormal {
  /** Indices among the joint's sites. */
  readonly sites: readonly number[];
  readonly length: number;
  /** Colour of each scalar, and how many there are. */
  readonly colours: Int32Array;
  readonly colourCount: number;
  readonly factor: Factorisation;
  /**
   * Where each entry of the factor is read: element of the probes' gradients laid one after another
   * (the origin's first), or −1 where it is fill.
   */
  readonly reads: Int32Array;
}

/** Blocks of more scalars are not looked for: finding their pattern takes a gradient for each. */
const LENGTH_LIMIT = 2000;
/** Multiplications of a factorisation. */
const WORK_LIMIT = 1_000_000;
/** A block may cost so many times what its parts do, and this much besides. */
const MERGE_RATIO = 4;
const MERGE_FREE = 5000;
const TEST_STATES = 3;
const TEST_POINTS = 2;
const TOLERANCE = 1e-8;
const FLOOR = 1e-13;
const SEED = 19_940_401;

/** Why sites do not make a block. */
export type NotJoint = "not_jointly_normal" | "too_large";

export class JointFinder {
  readonly #joint: DirectJoint;
  readonly #instance: KernelInstance;
  readonly #draw: DrawState;

  /** @param instance kernels with `grad_<k>` of every site that is asked about */
  constructor(joint: DirectJoint, instance: KernelInstance, draw: DrawState) {
    this.#joint = joint;
    this.#instance = instance;
    this.#draw = draw;
  }

  /** The sites as one vector. */
  block(sites: readonly number[]): JointNormal | NotJoint {
    const vector = new SiteVector(this.#joint, this.#instance, sites);
    if (vector.length > LENGTH_LIMIT) return "too_large";
    const pattern: Set<number>[] = Array.from({ length: vector.length }, () => new Set());
    for (let s = 0; s < TEST_STATES; s++) {
      const rng = stream(SEED, 0, 0, s);
      loadState(this.#joint, this.#instance, this.#draw(rng));
      if (!addPattern(vector, pattern, rng)) return "not_jointly_normal";
    }
    if (this.#joint.states !== undefined) fillPairs(vector, pattern);
    const factor = factorise(pattern, WORK_LIMIT);
    if (factor === undefined) return "too_large";
    return blockOf(sites, pattern, factor);
  }

  /**
   * Greedy blocks of the normal sites: two of them merge where they are coupled, jointly normal,
   * and where drawing them at once costs a few times as much as one by one at most.
   */
  partition(normal: readonly Conjugate[]): JointNormal[] {
    let blocks = normal.flatMap((f) => {
      const made = this.block([f.site]);
      return typeof made === "string" ? [] : [made];
    });
    for (let i = 0; i < blocks.length; i++) {
      for (let j = i + 1; j < blocks.length; j++) {
        const merged = this.#merged(blocks[i], blocks[j]);
        if (merged === undefined) continue;
        blocks = blocks.map((b, k) => (k === i ? merged : b)).filter((_, k) => k !== j);
        // Those that could not join before may be coupled to the new member.
        j = i;
      }
    }
    return blocks;
  }

  #merged(a: JointNormal, b: JointNormal): JointNormal | undefined {
    if (a.length + b.length > LENGTH_LIMIT) return undefined;
    const made = this.block([...a.sites, ...b.sites].sort((x, y) => x - y));
    if (typeof made === "string") return undefined;
    const apart = costOf(a) + costOf(b);
    const isCoupled = made.factor.rows.length > a.factor.rows.length + b.factor.rows.length;
    if (!isCoupled) return undefined;
    return costOf(made) <= MERGE_RATIO * apart + MERGE_FREE ? made : undefined;
  }
}

const costOf = ({ factor }: JointNormal): number => factor.targets.length + factor.rows.length;

/** Finds which scalars react to each other; false where the gradient is not affine in them. */
function addPattern(vector: SiteVector, pattern: Set<number>[], rng: RandomStream): boolean {
  const n = vector.length;
  const origin = vector.gradient(new Float64Array(n)).slice();
  const point = new Float64Array(n);
  /** Columns of the precision, sparse. */
  const columns: { readonly row: number; readonly value: number }[][] = [];
  for (let j = 0; j < n; j++) {
    point[j] = FAR;
    const moved = vector.gradient(point);
    const diagonal = Math.abs(moved[j] - origin[j]);
    const column: { row: number; value: number }[] = [];
    for (let i = 0; i < n; i++) {
      const change = moved[i] - origin[i];
      if (!Number.isFinite(change)) return false;
      // What rounding leaves where terms cancel is no coupling.
      const limit = 1e-14 * (diagonal + Math.abs(origin[i]));
      if (i !== j && Math.abs(change) <= limit) continue;
      column.push({ row: i, value: change / FAR });
      if (i !== j) {
        pattern[i].add(j);
        pattern[j].add(i);
      }
    }
    columns.push(column);
    point[j] = 0;
  }
  for (let p = 0; p < TEST_POINTS; p++) {
    const v = Float64Array.from({ length: n }, () => {
      return rng.normal() * Math.exp(4 * (2 * rng.uniform() - 1));
    });
    const value = origin.slice();
    const scale = origin.map(Math.abs);
    columns.forEach((column, j) => {
      for (const entry of column) {
        value[entry.row] += entry.value * v[j];
        scale[entry.row] += Math.abs(entry.value * v[j]);
      }
    });
    const largest = scale.reduce((m, s) => Math.max(m, s), 0);
    const found = vector.gradient(v);
    for (let i = 0; i < n; i++) {
      const limit = TOLERANCE * scale[i] + FLOOR * largest;
      // Beside an infinite scale everything would agree.
      if (!Number.isFinite(limit)) return false;
      if (!(Math.abs(found[i] - value[i]) <= limit)) return false;
    }
  }
  return true;
}

/**
 * Which elements meet can depend on discrete states: where any of two sites do, all are taken to.
 */
function fillPairs(vector: SiteVector, pattern: Set<number>[]): void {
  const owner = vector.owner;
  const pairs = new Set<number>();
  const count = vector.sites.length;
  pattern.forEach((s, i) => {
    for (const j of s) pairs.add(owner[i] * count + owner[j]);
  });
  for (let i = 0; i < owner.length; i++) {
    for (let j = 0; j < owner.length; j++) {
      if (i !== j && pairs.has(owner[i] * count + owner[j])) pattern[i].add(j);
    }
  }
}

function blockOf(
  sites: readonly number[],
  pattern: Pattern,
  factor: Factorisation,
): JointNormal | NotJoint {
  const n = factor.size;
  const colours = starColours(pattern);
  const colourCount = colours.reduce((m, c) => Math.max(m, c + 1), 0);
  const reads = new Int32Array(factor.rows.length).fill(-1);
  for (let k = 0; k < n; k++) {
    for (let e = factor.start[k]; e < factor.start[k + 1]; e++) {
      const [i, j] = [factor.order[factor.rows[e]], factor.order[k]];
      if (i !== j && !pattern[i].has(j)) continue;
      const place =
        readPlace(pattern, colours, i, j) ?? internalError("an entry that no probe shows");
      reads[e] = (place.probe + 1) * n + place.row;
    }
  }
  return { sites, length: n, colours, colourCount, factor, reads };
}

/** The probes of a block: the origin, and each colour's scalars moved far. */
export function probesOf(block: JointNormal): Float64Array[] {
  const { length, colours, colourCount } = block;
  return Array.from({ length: colourCount + 1 }, (_, k) => {
    return Float64Array.from({ length }, (_, i) => (colours[i] === k - 1 ? FAR : 0));
  });
}

/** Several sites as one vector, and the gradient of the log joint in it. */
export class SiteVector {
  readonly sites: readonly number[];
  readonly length: number;
  /** Which of the sites each scalar is of. */
  readonly owner: Int32Array;
  readonly #parts: readonly {
    readonly values: Float64Array;
    readonly gradient: Float64Array;
    readonly run: () => number;
    readonly offset: number;
  }[];
  readonly #out: Float64Array;

  constructor(joint: DirectJoint, instance: KernelInstance, sites: readonly number[]) {
    let length = 0;
    this.sites = sites;
    this.#parts = sites.map((k) => {
      const own = joint.sites[k].latent.length;
      length += own;
      return {
        values: instance.f64(inputBuffer(k)).subarray(0, own),
        gradient: instance.f64(`grad_${k}`).subarray(0, own),
        run: instance.fn(`grad_${k}`),
        offset: length - own,
      };
    });
    this.length = length;
    this.owner = new Int32Array(length);
    this.#parts.forEach(({ values, offset }, k) => {
      this.owner.fill(k, offset, offset + values.length);
    });
    this.#out = new Float64Array(length);
  }

  set(v: Float64Array): void {
    for (const { values, offset } of this.#parts) {
      values.set(v.subarray(offset, offset + values.length));
    }
  }

  /** The gradient at v, which is left in the workspace; a live view. */
  gradient(v: Float64Array): Float64Array {
    this.set(v);
    for (const { gradient, run, offset } of this.#parts) {
      run();
      this.#out.set(gradient, offset);
    }
    return this.#out;
  }
}
