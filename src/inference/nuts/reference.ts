/**
 * The slow twin of the compiled sampler: multinomial NUTS as the recursion of Stan's `base_nuts`,
 * in plain numbers with log weights. It takes the same random numbers as the kernels, so that both
 * can be compared draw by draw.
 */
import { type PhiloxKey, philox } from "../../math/rng/philox.js";
import { logaddexp } from "../../math/special/logspace.js";
import { SITES } from "../hamiltonian/random.js";
import { LAYERS, TAIL_START, zigguratEdges, zigguratHeights } from "../hamiltonian/ziggurat.js";
import { DIVERGENCE_THRESHOLD } from "./trajectory.js";

type Vector = readonly number[];

export interface ReferenceModel {
  readonly lpGrad: (q: Vector) => { readonly lp: number; readonly grad: Vector };
  /** M⁻¹v, and the map from standard normals to momenta N(0, M). */
  readonly inverse: (v: Vector) => Vector;
  readonly momentum: (z: Vector) => Vector;
}

interface Point {
  readonly q: Vector;
  readonly p: Vector;
  readonly grad: Vector;
  readonly lp: number;
}

export interface ReferenceDraw {
  readonly q: Vector;
  readonly lp: number;
  readonly acceptStat: number;
  readonly treeDepth: number;
  readonly leapfrogs: number;
  readonly divergent: boolean;
  readonly energy: number;
}

interface Subtree {
  readonly valid: boolean;
  readonly rho: Vector;
  readonly pBegin: Vector;
  readonly pEnd: Vector;
  readonly sharpBegin: Vector;
  readonly sharpEnd: Vector;
}

/** Sums over a new half and over the transition, which the recursion passes down. */
interface Sums {
  logWeight: number;
  proposal: Point | undefined;
  leapfrogs: number;
  acceptance: number;
  divergent: boolean;
  moving: Point;
}

const plus = (a: Vector, b: Vector): Vector => a.map((x, i) => x + b[i]);
const dot = (a: Vector, b: Vector): number => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** One transition from q with the random numbers of (key, chain, iteration). */
export function referenceTransition(
  model: ReferenceModel,
  q: Vector,
  epsilon: number,
  maxDepth: number,
  random: ReferenceRandom,
): ReferenceDraw {
  const p = model.momentum(Array.from({ length: q.length }, (_, i) => random.normal(i)));
  const start: Point = { q, p, ...model.lpGrad(q) };
  const energyOf = ({ lp, p: momentum }: Point): number =>
    -lp + 0.5 * dot(momentum, model.inverse(momentum));
  const energy0 = energyOf(start);

  let [backward, forward, sample] = [start, start, start];
  let sharpBackward = model.inverse(p);
  let sharpForward = sharpBackward;
  let rho = p;
  let logWeight = 0;
  let depth = 0;
  const sums: Sums = {
    logWeight: -Infinity,
    proposal: undefined,
    leapfrogs: 0,
    acceptance: 0,
    divergent: false,
    moving: start,
  };

  while (depth < maxDepth) {
    const goForward = random.forward(depth);
    sums.logWeight = -Infinity;
    sums.moving = goForward ? forward : backward;
    const far = goForward ? sharpBackward : sharpForward;
    const near = goForward ? sharpForward : sharpBackward;
    const pNear = goForward ? forward.p : backward.p;
    const tree = buildTree(depth, goForward ? epsilon : -epsilon);
    if (goForward) forward = sums.moving;
    else backward = sums.moving;
    if (!tree.valid) break;

    if (Math.log(random.doubling(depth)) < sums.logWeight - logWeight) sample = sums.proposal!;
    depth += 1;
    logWeight = logaddexp(logWeight, sums.logWeight);

    const whole = plus(rho, tree.rho);
    const proceeds =
      criterion(far, tree.sharpEnd, whole) &&
      criterion(far, tree.sharpBegin, plus(rho, tree.pBegin)) &&
      criterion(near, tree.sharpEnd, plus(tree.rho, pNear));
    rho = whole;
    if (goForward) sharpForward = tree.sharpEnd;
    else sharpBackward = tree.sharpEnd;
    if (!proceeds) break;
  }
  return {
    q: sample.q,
    lp: sample.lp,
    acceptStat: sums.acceptance / sums.leapfrogs,
    treeDepth: depth,
    leapfrogs: sums.leapfrogs,
    divergent: sums.divergent,
    energy: energyOf(sample),
  };

  function criterion(sharpStart: Vector, sharpEnd: Vector, sum: Vector): boolean {
    return dot(sharpStart, sum) > 0 && dot(sharpEnd, sum) > 0;
  }

  function leapfrog({ q: q0, p: p0, grad }: Point, step: number): Point {
    const half = p0.map((x, i) => x + 0.5 * step * grad[i]);
    const q1 = plus(
      q0,
      model.inverse(half).map((v) => step * v),
    );
    const at = model.lpGrad(q1);
    return { q: q1, p: half.map((x, i) => x + 0.5 * step * at.grad[i]), ...at };
  }

  function leaf(step: number): Subtree {
    const word = random.leaf(sums.leapfrogs);
    const point = leapfrog(sums.moving, step);
    sums.moving = point;
    sums.leapfrogs += 1;
    const energy = energyOf(point);
    const gain = Number.isNaN(energy) ? -Infinity : energy0 - energy;
    if (gain < -DIVERGENCE_THRESHOLD) sums.divergent = true;
    sums.acceptance += Math.min(1, Math.exp(gain));
    sums.logWeight = logaddexp(sums.logWeight, gain);
    // Multinomial choice among the leaves seen so far; see trajectory.ts.
    if (sums.logWeight === gain || Math.log(word) < gain - sums.logWeight) sums.proposal = point;
    const sharp = model.inverse(point.p);
    return {
      valid: !sums.divergent,
      rho: point.p,
      pBegin: point.p,
      pEnd: point.p,
      sharpBegin: sharp,
      sharpEnd: sharp,
    };
  }

  function buildTree(level: number, step: number): Subtree {
    if (level === 0) return leaf(step);
    const a = buildTree(level - 1, step);
    if (!a.valid) return a;
    const b = buildTree(level - 1, step);
    if (!b.valid) return b;
    const sum = plus(a.rho, b.rho);
    const valid =
      criterion(a.sharpBegin, b.sharpEnd, sum) &&
      criterion(a.sharpBegin, b.sharpBegin, plus(a.rho, b.pBegin)) &&
      criterion(a.sharpEnd, b.sharpEnd, plus(b.rho, a.pEnd));
    return {
      valid,
      rho: sum,
      pBegin: a.pBegin,
      pEnd: b.pEnd,
      sharpBegin: a.sharpBegin,
      sharpEnd: b.sharpEnd,
    };
  }
}

/** The random numbers of one transition, as the kernels draw them. */
export class ReferenceRandom {
  readonly #words = new Uint32Array(4);
  constructor(
    readonly key: PhiloxKey,
    readonly chain: number,
    readonly iteration: number,
  ) {}

  /** True where the doubling at `depth` goes forward in time. */
  forward(depth: number): boolean {
    return ((this.#word(SITES.doubling, 0) >>> depth) & 1) === 1;
  }
  /** The uniform that chooses between the trajectory and its new half. */
  doubling(depth: number): number {
    return this.#uniform(SITES.doubling, depth + 1);
  }
  /** The uniform for a leaf, by its number among the transition's leapfrog steps. */
  leaf(step: number): number {
    return this.#uniform(SITES.leaf, step);
  }

  /** Standard normal number i of the momentum: the ziggurat of ziggurat.ts. */
  normal(i: number): number {
    const [edges, heights] = TABLES;
    const half = 2 * (i % 2);
    const block = i >>> 1;
    const bits = this.#bits(SITES.momentum, block, half);
    const sign = (bits & 256n) === 0n ? 1 : -1;
    let layer = Number(bits & BigInt(LAYERS - 1));
    let x = fraction(bits) * edges[layer];
    if (x < edges[layer + 1]) return sign * x;
    for (let attempt = 256 * i; ; attempt++) {
      const first = this.#bits(SITES.momentumRetry, attempt, 0);
      const second = this.#bits(SITES.momentumRetry, attempt, 2);
      if (layer === 0) {
        const beyond = -Math.log(fraction(first) + 2 ** -54) / TAIL_START;
        if (-2 * Math.log(fraction(second) + 2 ** -54) > beyond * beyond) {
          return sign * (TAIL_START + beyond);
        }
      } else {
        const low = heights[layer];
        const level = low + (fraction(first) + 2 ** -54) * (heights[layer + 1] - low);
        if (level < Math.exp(-0.5 * x * x)) return sign * x;
        layer = Number(second & BigInt(LAYERS - 1));
        x = fraction(second) * edges[layer];
        if (x < edges[layer + 1]) return sign * x;
      }
    }
  }

  /** Word `word` of a stream; a block has four. */
  #word(site: number, word: number): number {
    philox(this.key, Math.floor(word / 4), this.iteration, site, this.chain, this.#words);
    return this.#words[word & 3];
  }
  #uniform(site: number, word: number): number {
    return (this.#word(site, word) + 0.5) * 2 ** -32;
  }
  #bits(site: number, block: number, from: number): bigint {
    const low = this.#word(site, 4 * block + from);
    const high = this.#word(site, 4 * block + from + 1);
    return (BigInt(high) << 32n) | BigInt(low);
  }
}

const TABLES = [zigguratEdges(), zigguratHeights(zigguratEdges())] as const;
const fraction = (bits: bigint): number => Number(bits >> 11n) * 2 ** -53;
