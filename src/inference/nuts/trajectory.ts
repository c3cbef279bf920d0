/**
 * `nuts_extend`: the new half of a trajectory, leaf by leaf, until it is complete, diverges or
 * turns. The recursion of Stan's `build_tree` as a loop; what it leaves in buffers is in tree.ts.
 *
 * The proposal of a half is one of its leaves with probability proportional to exp(-H). Stan draws
 * it merge by merge, each time between two subtrees in proportion to their weights. Here the leaves
 * pass by one after another and leaf n replaces the choice with probability w_n / (w_0 + .. + w_n):
 * the same distribution over the leaves, one number a leaf either way, and only the chosen one has
 * to be kept.
 *
 * Weights are exp(H0 - H) as plain numbers. They are capped at e^600, so that 2^24 of them do not
 * overflow. From a start within reach of the stationary distribution such a gain in energy has
 * probability e^-600, so the cap changes nothing that can be observed; in the first steps of
 * warmup it merely treats points that are all vastly better than the start alike. Weights that
 * underflow to 0 stand beside the start's weight of 1.
 */
import {
  add,
  and,
  binary,
  call,
  convert,
  eq,
  f64,
  get,
  giveBack,
  i32,
  load,
  lt,
  mul,
  select,
  set,
  store,
  sub,
  when,
  whileLoop,
} from "../../kernel/build.js";
import type { Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";
import { GRADIENT, leapfrog, POSITION } from "../hamiltonian/integrator.js";
import { drawWords, SITES, uniformWord } from "../hamiltonian/random.js";
import type { HamiltonianShape } from "../hamiltonian/shape.js";
import { copy, real, whole } from "../hamiltonian/vector.js";
import { type TreeSlots, waitingFirst } from "./tree.js";

/** Where the energy has risen by more than this, the integration has failed (Stan's max_deltaH). */
export const DIVERGENCE_THRESHOLD = 1000;
/** Log of the largest weight. */
export const WEIGHT_CAP = 600;

/**
 * Elements of `nuts_half`, by which `nuts_extend` reports to the transition:
 * - `weight` of all leaves of the half; `lp` and `energy` of the proposal
 * - `accept` and `leapfrogs`: sums over the whole transition
 * - `energy0`: the energy at the start, which the transition sets
 */
export const HALF = {
  weight: i32(0),
  lp: i32(1),
  energy: i32(2),
  accept: i32(3),
  leapfrogs: i32(4),
  energy0: i32(5),
} as const;
export const HALF_LENGTH = 6;

export const half = (field: Expr): Expr => load("nuts_half", field);

/** Results of `nuts_extend`. */
export const COMPLETE = 0;
export const TURNED = 1;
export const DIVERGED = 2;

const one = i32(1);
const isOdd = (x: Expr): Expr => and(x, one);

/**
 * `nuts_extend(iteration, depth, epsilon, proposal)` moves the point 2^depth signed steps on. The
 * proposal's q and gradient go to the candidates' buffers at offset `proposal`.
 */
export function extendFunction(shape: HamiltonianShape, slots: TreeSlots): KernelFunction {
  const { dimension: d } = shape;
  const [iteration, depth, proposal] = [whole("iteration"), whole("depth"), whole("proposal")];
  const epsilon = real("epsilon");
  const [n, leaves, slot, taken] = [whole("n"), whole("leaves"), whole("slot"), whole("taken")];
  const zeros = whole("zeros");
  const [halfStep, energy0, weight, gain, total, accept] = [
    "half_step",
    "energy0",
    "weight",
    "gain",
    "total",
    "accept",
  ].map(real);
  const values = { lp: real("lp"), energy: real("energy") };

  const finish = (outcome: number): readonly Stmt[] => [
    store("nuts_half", HALF.weight, get(total)),
    store("nuts_half", HALF.accept, get(accept)),
    store("nuts_half", HALF.leapfrogs, convertCount(get(taken))),
    giveBack(i32(outcome)),
  ];

  return {
    name: "nuts_extend",
    params: [iteration, depth, epsilon, proposal],
    result: "i32",
    body: [
      set(halfStep, mul(f64(0.5), get(epsilon))),
      set(energy0, half(HALF.energy0)),
      set(accept, half(HALF.accept)),
      set(taken, countOf(half(HALF.leapfrogs))),
      set(total, f64(0)),
      set(leaves, binary("shl", one, get(depth))),
      set(n, i32(0)),
      whileLoop(lt(get(n), get(leaves)), [
        ...leafSlot(n, depth, zeros, slot, slots),
        ...leapfrog(shape, epsilon, halfStep, values, { buffer: "tree", offset: get(slot) }),

        set(gain, sub(get(energy0), get(values.energy))),
        // A NaN energy counts as infinite; comparisons with NaN are false.
        set(gain, select(binary("gt", get(gain), f64(-Infinity)), get(gain), f64(-Infinity))),
        set(weight, call("exp", [binary("min", get(gain), f64(WEIGHT_CAP))])),
        set(accept, add(get(accept), binary("min", get(weight), f64(1)))),
        set(total, add(get(total), get(weight))),
        ...chooseLeaf(),
        set(taken, add(get(taken), one)),
        when(lt(get(gain), f64(-DIVERGENCE_THRESHOLD)), finish(DIVERGED)),

        when(
          isOdd(get(n)),
          [when(eq(mergeAll(), i32(0)), finish(TURNED))],
          [store("tree_first", i32(0), get(slot))],
        ),
        set(n, add(get(n), one)),
      ]),
      ...finish(COMPLETE),
    ],
    exported: false,
  };

  function mergeAll(): Expr {
    return call("nuts_merge", [get(zeros)], "i32");
  }

  function chooseLeaf(): readonly Stmt[] {
    const word = and(get(taken), i32(3));
    const block = binary("shr_u", get(taken), i32(2));
    const chosen = whole("chosen");
    return [
      set(chosen, eq(get(n), i32(0))),
      // Words are numbered by the leapfrog steps of the transition, four to a block.
      when(eq(word, i32(0)), [drawWords(block, get(iteration), SITES.leaf)]),
      when(lt(mul(uniformWord(word), get(total)), get(weight)), [set(chosen, one)]),
      when(get(chosen), [
        ...copy(
          d,
          [POSITION, { buffer: "cand_q", offset: get(proposal) }],
          [GRADIENT, { buffer: "cand_grad", offset: get(proposal) }],
        ),
        store("nuts_half", HALF.lp, get(values.lp)),
        store("nuts_half", HALF.energy, get(values.energy)),
      ]),
    ];
  }
}

const countOf = (x: Expr): Expr => convert("i32_from_f64", x);
const convertCount = (x: Expr): Expr => convert("f64_from_i32", x);

/**
 * Sets `slot` to where leaf n's momentum is kept: an even leaf opens subtrees, an odd one closes
 * them. `zeros` becomes the number of trailing zeros of the even one of n and n + 1.
 */
function leafSlot(
  n: Local,
  depth: Local,
  zeros: Local,
  slot: Local,
  slots: TreeSlots,
): readonly Stmt[] {
  const even = and(add(get(n), one), i32(-2));
  const rest = whole("rest");
  return [
    set(rest, even),
    set(zeros, get(depth)),
    when(get(rest), [
      set(zeros, i32(0)),
      whileLoop(eq(isOdd(get(rest)), i32(0)), [
        set(rest, binary("shr_u", get(rest), one)),
        set(zeros, add(get(zeros), one)),
      ]),
    ]),
    set(slot, select(isOdd(get(n)), slots.last(get(zeros)), slots.first(get(zeros)))),
  ];
}

/**
 * `nuts_merge(merges)`: completes the subtrees that end at the present, odd leaf, from level 1 up
 * to level `merges`. Gives 0 as soon as one of them turns.
 */
export function mergeFunction(slots: TreeSlots): KernelFunction {
  const [merges, level, first, into] = ["merges", "level", "first", "into"].map(whole);
  const destination = (newLevel: Expr): Expr =>
    select(eq(newLevel, get(merges)), slots.sum(newLevel), slots.carry);
  const join = call(
    "nuts_join",
    [
      get(first),
      slots.last(get(level)),
      slots.first(get(level)),
      slots.sum(get(level)),
      slots.carry,
      get(into),
    ],
    "i32",
  );
  return {
    name: "nuts_merge",
    params: [merges],
    result: "i32",
    body: [
      set(first, waitingFirst(i32(0))),
      set(into, destination(one)),
      when(eq(call("nuts_pair", [get(first), get(into)], "i32"), i32(0)), [giveBack(i32(0))]),
      set(level, one),
      whileLoop(lt(get(level), get(merges)), [
        set(first, waitingFirst(get(level))),
        set(into, destination(add(get(level), one))),
        when(eq(join, i32(0)), [giveBack(i32(0))]),
        set(level, add(get(level), one)),
      ]),
      store("tree_first", get(merges), get(first)),
      giveBack(one),
    ],
    exported: false,
  };
}
