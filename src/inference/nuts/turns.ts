/**
 * Where many chains keep the momenta of their unfinished subtrees, and the no-U-turn criterion over
 * those that a leaf completes: the recursion of reference.ts as a loop over leaves (Phan, Pradhan and
 * Jankowiak, "Composable effects for flexible and accelerated probabilistic programming in NumPyro",
 * 2019, appendix A; Lao and Dillon, "Unrolled implementation of no-U-turn sampler", 2020).
 *
 * Leaf n (from 0) of a half of 2^D leaves completes subtrees of the levels 1 … T, T the trailing
 * zeros of n + 1, and with level D also the half. The join at level k is of A = n + 1 − 2^k …
 * n − 2^(k − 1) and B, the rest up to n. It needs the momenta of both ends of A and B and the sums of
 * both, which are differences of sums since the half began. The leaf that opens A has k trailing
 * zeros more than it needs bits: at place (ones of its number) of a stack it stays until A is done,
 * since every leaf in between has more ones. The leaf that closes A has k − 1 trailing ones, and is
 * the last such leaf.
 */
import type { SimplifyingBuilder } from "../../passes/simplify/index.js";
import type { InputNode, Node } from "../../tensor/ops.js";

/** A leaf of each chain, or, where it does not move, its last one; `[chains, d]` and `[chains]`. */
export interface Leaf {
  readonly moves: Node;
  /** It is the first of its half. */
  readonly opens: Node;
  readonly r: Node;
  /** Sums of momenta of the half, without and with this leaf. */
  readonly before: Node;
  readonly sum: Node;
  /** Of the tree before this half: the half is to have 2^depth leaves. */
  readonly depth: Node;
  /** Momenta at the other end of the trajectory, and where the half began. */
  readonly otherR: Node;
  readonly nearR: Node;
  /** Sum of momenta of the trajectory without the half. */
  readonly rho: Node;
}

/** Leaves of the half so far; ones of the last leaf's number, trailing zeros of the next one's. */
export interface Place {
  readonly leaves: Node;
  readonly ones: Node;
  readonly zeros: Node;
  /** Joins of the last leaf that were checked where more are left; else 0. */
  readonly joined: Node;
}

export interface Turned extends Place {
  /** A subtree of the half has turned. */
  readonly within: Node;
  /** All joins of the half's last leaf are checked. */
  readonly completes: Node;
  /** There the trajectory with the half has turned. */
  readonly whole: Node;
  /** Next values of the stacks, by their inputs' names. */
  readonly stacks: Readonly<Record<string, Node>>;
}

export class Turns {
  readonly #g: SimplifyingBuilder;
  readonly #chains: number;
  readonly #maxDepth: number;
  readonly #joins: number;
  readonly #firstR: InputNode;
  readonly #firstSum: InputNode;
  readonly #lastR: InputNode;

  constructor(
    g: SimplifyingBuilder,
    chains: number,
    dimension: number,
    maxDepth: number,
    joins: number,
  ) {
    this.#g = g;
    this.#chains = chains;
    this.#maxDepth = maxDepth;
    this.#joins = joins;
    // The largest half has 2^(maxDepth − 1) leaves: even numbers have up to maxDepth − 2 ones, and
    // closing leaves of waiting subtrees up to as many trailing ones, from one on.
    const stack = (name: string, places: number): InputNode =>
      g.input(name, [chains, Math.max(1, places), dimension]);
    this.#firstR = stack("first_r", maxDepth - 1);
    this.#firstSum = stack("first_sum", maxDepth - 1);
    this.#lastR = stack("last_r", maxDepth - 2);
  }

  /** Checks as many joins of the leaf as a pass does, and writes its momentum to the stacks. */
  check(leaf: Leaf, last: Place): Turned {
    const g = this.#g;
    const { moves, opens, r, before, sum, depth, otherR, nearR, rho } = leaf;
    const chains = [this.#chains];
    const int = (x: number): Node => g.full(chains, x, "int");
    const choose = (c: Node, x: Node, y: Node): Node =>
      g.select(g.broadcast(c, x.shape, [0]), x, y);

    const leaves = g.add(last.leaves, g.select(moves, int(1), int(0)));
    const counted = g.add(g.sub(last.ones, last.zeros), 1);
    const ones = g.select(moves, g.select(opens, int(0), counted), last.ones);
    const zeros = this.#trailingZeros(leaves);
    const isUnderWay = g.gt(leaves, 0);
    const isLast = g.eq(leaves, g.reduce("sum", this.#powerOf(depth), [1]));

    let within = g.full(chains, 0, "bool");
    let whole = g.full(chains, 0, "bool");
    const start = g.select(moves, int(0), last.joined);
    const total = g.add(zeros, g.select(isLast, int(1), int(0)));
    // Of level k the opening leaf of A is at place ones − k, that of B at ones − k + 1. B of level 1
    // is the leaf itself.
    const isHere = g.eq(start, 0);
    let nextR = choose(isHere, r, this.#read(this.#firstR, g.sub(ones, start)));
    let nextSum = choose(isHere, before, this.#read(this.#firstSum, g.sub(ones, start)));
    for (let j = 1; j <= this.#joins; j++) {
      const level = g.add(start, j);
      const place = g.sub(ones, level);
      const ownR = this.#read(this.#firstR, place);
      const ownSum = this.#read(this.#firstSum, place);
      const isSub = g.and(isUnderWay, g.le(level, zeros));
      const isWhole = g.and(isLast, g.eq(level, g.add(zeros, 1)));
      const closing = this.#read(this.#lastR, g.sub(level, 2));
      const first = choose(isWhole, otherR, ownR);
      const end = choose(isWhole, nearR, j > 1 ? closing : choose(isHere, ownR, closing));
      const rhoA = choose(isWhole, rho, g.sub(nextSum, ownSum));
      const rhoB = g.sub(sum, nextSum);
      const turns = this.#turns(first, end, nextR, r, rhoA, rhoB);
      within = g.or(within, g.and(isSub, turns));
      whole = g.or(whole, g.and(isWhole, turns));
      nextR = ownR;
      nextSum = ownSum;
    }
    const checked = g.add(start, this.#joins);
    const isLeft = g.lt(checked, total);
    const nowhere = int(-1);
    const opensAt = g.select(moves, ones, nowhere);
    // Subtrees of one leaf are closed by the leaf that opens them.
    const closesAt = g.select(moves, g.sub(zeros, 1), nowhere);
    return {
      leaves,
      ones,
      zeros,
      joined: g.select(isLeft, checked, int(0)),
      within,
      completes: g.and(isLast, g.and(g.gt(total, start), g.not(isLeft))),
      whole,
      stacks: {
        first_r: this.#write(this.#firstR, opensAt, r),
        first_sum: this.#write(this.#firstSum, opensAt, before),
        last_r: this.#write(this.#lastR, closesAt, r),
      },
    };
  }

  /**
   * The criterion over A and B, over A and B's first leaf, and over A's last leaf and B: as
   * `joinFunction` of tree.ts.
   */
  #turns(first: Node, last: Node, next: Node, end: Node, rhoA: Node, rhoB: Node): Node {
    const g = this.#g;
    const all = g.add(rhoA, rhoB);
    const left = g.add(rhoA, next);
    const right = g.add(rhoB, last);
    const products: readonly (readonly [Node, Node])[] = [
      [first, all],
      [end, all],
      [first, left],
      [next, left],
      [last, right],
      [end, right],
    ];
    const goesOn = products.map(([x, y]) => g.gt(g.sum(g.mul(x, y), [1]), 0));
    return g.not(goesOn.reduce((a, b) => g.and(a, b)));
  }

  /** `[chains, levels]`: 2^k where k is the depth, else 0. */
  #powerOf(depth: Node): Node {
    const g = this.#g;
    const shape = [this.#chains, this.#maxDepth];
    const powers = g.constant(
      Float64Array.from({ length: this.#maxDepth }, (_, k) => 2 ** k),
      [this.#maxDepth],
      "int",
    );
    const isDepth = g.eq(
      g.broadcast(depth, shape, [0]),
      g.broadcast(g.iota(this.#maxDepth), shape, [1]),
    );
    return g.select(isDepth, g.broadcast(powers, shape, [1]), g.full(shape, 0, "int"));
  }

  /** Of whole numbers from 1 to 2^(maxDepth − 1). */
  #trailingZeros(x: Node): Node {
    const g = this.#g;
    const levels = this.#maxDepth - 1;
    if (levels === 0) return g.full([this.#chains], 0, "int");
    const shape = [this.#chains, levels];
    const powers = g.constant(
      Float64Array.from({ length: levels }, (_, k) => 2 ** (k + 1)),
      [levels],
      "int",
    );
    const rest = g.mod(g.broadcast(x, shape, [0]), g.broadcast(powers, shape, [1]));
    const divides = g.select(g.eq(rest, 0), g.full(shape, 1, "int"), g.full(shape, 0, "int"));
    return g.sum(divides, [1]);
  }

  /** The rows at `place`, `[chains, d]`; anything where there is no such place. */
  #read(stack: InputNode, place: Node): Node {
    const g = this.#g;
    const [chains, places, d] = stack.shape;
    const inside = g.max(
      g.min(place, g.full([chains], places - 1, "int")),
      g.full([chains], 0, "int"),
    );
    const rows = g.add(g.mul(g.iota(chains), places), inside);
    return g.gather(g.reshape(stack, [chains * places, d]), rows, 0);
  }

  /** The stack with `rows` at `place`; as it was where there is no such place. */
  #write(stack: InputNode, place: Node, rows: Node): Node {
    const g = this.#g;
    const [chains, places] = stack.shape;
    const isPlace = g.eq(
      g.broadcast(place, [chains, places], [0]),
      g.broadcast(g.iota(places), [chains, places], [1]),
    );
    return g.select(
      g.broadcast(isPlace, stack.shape, [0, 1]),
      g.broadcast(rows, stack.shape, [0, 2]),
      stack,
    );
  }
}
