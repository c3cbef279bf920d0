/**
 * Where a NUTS trajectory keeps its momenta, and the no-U-turn criterion.
 *
 * The leaves of a new half of depth D are visited in order, n = 0 .. 2^D - 1. A complete subtree
 * of level k covers 2^k leaves; like the carries of a binary counter, a leaf completes as many
 * subtrees as n + 1 has trailing zeros, each by merging a waiting first half with a second half
 * that ends at this leaf. Of a subtree the criterion needs the momenta of its first and last leaf
 * and the sum ("rho") of all, so these have slots by level, and nothing else is stored:
 *
 *   first(k)  momentum of a leaf n with k trailing zeros (of leaf 0: k = D): it opens subtrees of
 *             level k and below, and is dead before the next leaf with k trailing zeros
 *   last(k)   momentum of a leaf n where n + 1 has k trailing zeros: it closes a subtree of level k
 *   sum(k)    rho of the waiting subtree of level k ≥ 1 (at level 0 it is the momentum itself)
 *   carry     rho of a subtree that is merged at once
 *   end(s)    momentum at the backward (s = 0) and forward (s = 1) end of the trajectory
 *   total     rho of the trajectory
 */
import { add, and, f64, get, giveBack, gt, i32, load, mul, set } from "../../kernel/build.js";
import type { Buffer, Expr, KernelFunction, Local } from "../../kernel/ir.js";
import { MOMENTUM, sharpOf, velocity } from "../hamiltonian/metric.js";
import { f64Buffer, type HamiltonianShape, i32Buffer, vectorStride } from "../hamiltonian/shape.js";
import {
  accumulate,
  at,
  over,
  put,
  real,
  type Slice,
  whole,
  zeroed,
} from "../hamiltonian/vector.js";

/** Trees deeper than this would take over 10⁷ gradients for one draw. */
export const DEEPEST_TREE = 24;

/** Offsets (in elements of the `tree` buffer) of the slots; level is an i32 expression. */
export interface TreeSlots {
  end(side: Expr): Expr;
  first(level: Expr): Expr;
  last(level: Expr): Expr;
  sum(level: Expr): Expr;
  readonly carry: Expr;
  readonly total: Expr;
  readonly count: number;
}

/** The slots for trees of up to `maxDepth` levels. */
export function treeSlots(shape: HamiltonianShape, maxDepth: number): TreeSlots {
  const stride = vectorStride(shape);
  const levels = maxDepth + 1;
  const slot = (base: number, level: Expr): Expr =>
    add(mul(level, i32(stride)), i32(base * stride));
  return {
    end: (side) => slot(0, side),
    first: (level) => slot(2, level),
    last: (level) => slot(2 + levels, level),
    sum: (level) => slot(2 + 2 * levels, level),
    carry: i32((2 + 3 * levels) * stride),
    total: i32((3 + 3 * levels) * stride),
    count: 4 + 3 * levels,
  };
}

/** `tree`, the slots; `tree_first`, the offset of the first leaf of each level's waiting subtree. */
export function treeBuffers(shape: HamiltonianShape, maxDepth: number): readonly Buffer[] {
  const length = treeSlots(shape, maxDepth).count * vectorStride(shape);
  return [
    f64Buffer("tree", length),
    ...(shape.metric === "dense" ? [f64Buffer("tree_sharp", length)] : []),
    i32Buffer("tree_first", maxDepth + 1),
    // The end of the trajectory where the moving point is not.
    f64Buffer("other_q", shape.dimension),
    f64Buffer("other_grad", shape.dimension),
  ];
}

const slice = (offset: Local): Slice => ({ buffer: "tree", offset: get(offset) });
const positive = (x: Local): Expr => gt(get(x), f64(0));

/**
 * `nuts_pair(before, into)`: joins the leaf at slot `before` and the present one (in `p`), writes
 * their rho and gives the criterion of Betancourt (2017), appendix A.4.2: p♯·rho > 0 at both ends.
 */
export function pairFunction(shape: HamiltonianShape): KernelFunction {
  const [before, into] = [whole("before"), whole("into")];
  const [a, b, rho] = [real("a"), real("b"), real("rho")];
  return {
    name: "nuts_pair",
    params: [before, into],
    result: "i32",
    body: [
      ...zeroed([a, b]),
      over(
        shape.dimension,
        (i) => [
          set(rho, add(at(slice(before), i), at(MOMENTUM, i))),
          put(slice(into), i, get(rho)),
          accumulate(a, mul(velocity(shape, slice(before), i), get(rho))),
          accumulate(b, mul(velocity(shape, MOMENTUM, i), get(rho))),
        ],
        [a, b],
      ),
      giveBack(and(positive(a), positive(b))),
    ],
    exported: false,
  };
}

/**
 * `nuts_join(first, last, next, rhoA, rhoB, into)`: joins two neighbouring subtrees A and B. A has
 * the momenta at slots `first` and `last` at its ends, B begins with that at `next` and ends with
 * the present one (in `p`); the sums of their momenta are at `rhoA` and `rhoB`, and that of both
 * goes to `into`. Gives the criterion over A and B, over A and B's first leaf, and over A's last
 * leaf and B: the two extra checks that Stan makes since 2.21, without which a trajectory can
 * close a whole period between its halves unseen.
 */
export function joinFunction(shape: HamiltonianShape): KernelFunction {
  const [first, last, next] = [whole("first"), whole("last"), whole("next")];
  const [rhoA, rhoB, into] = [whole("rho_a"), whole("rho_b"), whole("into")];
  const sums = [
    "whole_first",
    "whole_end",
    "left_first",
    "left_next",
    "right_last",
    "right_end",
  ].map(real);
  const [wholeFirst, wholeEnd, leftFirst, leftNext, rightLast, rightEnd] = sums;
  const [rho, left, right] = [real("rho"), real("left"), real("right")];
  const [vFirst, vLast, vNext, vEnd] = ["v_first", "v_last", "v_next", "v_end"].map(real);
  return {
    name: "nuts_join",
    params: [first, last, next, rhoA, rhoB, into],
    result: "i32",
    body: [
      ...zeroed(sums),
      over(
        shape.dimension,
        (i) => [
          set(vFirst, velocity(shape, slice(first), i)),
          set(vLast, velocity(shape, slice(last), i)),
          set(vNext, velocity(shape, slice(next), i)),
          set(vEnd, velocity(shape, MOMENTUM, i)),
          set(rho, add(at(slice(rhoA), i), at(slice(rhoB), i))),
          set(left, add(at(slice(rhoA), i), at(slice(next), i))),
          set(right, add(at(slice(rhoB), i), at(slice(last), i))),
          put(slice(into), i, get(rho)),
          accumulate(wholeFirst, mul(get(vFirst), get(rho))),
          accumulate(wholeEnd, mul(get(vEnd), get(rho))),
          accumulate(leftFirst, mul(get(vFirst), get(left))),
          accumulate(leftNext, mul(get(vNext), get(left))),
          accumulate(rightLast, mul(get(vLast), get(right))),
          accumulate(rightEnd, mul(get(vEnd), get(right))),
        ],
        sums,
      ),
      giveBack(sums.map(positive).reduce(and)),
    ],
    exported: false,
  };
}

/** Copies of the present momentum (and its velocity, where that is kept) at a slot. */
export function momentumPairs(
  shape: HamiltonianShape,
  offset: Expr,
): readonly (readonly [live: Slice, kept: Slice])[] {
  const kept: Slice = { buffer: "tree", offset };
  return shape.metric === "diag"
    ? [[MOMENTUM, kept]]
    : [
        [MOMENTUM, kept],
        [sharpOf(MOMENTUM), sharpOf(kept)],
      ];
}

/** Offset of the first leaf of the waiting subtree of a level. */
export function waitingFirst(level: Expr): Expr {
  return load("tree_first", level, "i32");
}
