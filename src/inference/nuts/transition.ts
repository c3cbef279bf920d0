/**
 * `nuts_transition`: one draw of multinomial NUTS with biased progressive sampling between the
 * doublings (Betancourt, "A conceptual introduction to Hamiltonian Monte Carlo", 2017, appendix
 * A.3), as Stan's `base_nuts`.
 */
import {
  add,
  and,
  binary,
  call,
  convert,
  div,
  eq,
  f64,
  get,
  i32,
  load,
  lt,
  mul,
  neg,
  select,
  set,
  store,
  sub,
  when,
  whileLoop,
} from "../../kernel/build.js";
import type { Expr, KernelFunction, Stmt } from "../../kernel/ir.js";
import { statistics } from "../hamiltonian/block.js";
import { GRADIENT, POSITION, refreshMomentum } from "../hamiltonian/integrator.js";
import { drawWords, FAR_WORDS, SITES, uniformWord } from "../hamiltonian/random.js";
import { type HamiltonianShape, vectorStride } from "../hamiltonian/shape.js";
import { at, copy, over, put, real, type Slice, whole } from "../hamiltonian/vector.js";
import { COMPLETE, DIVERGED, HALF, half } from "./trajectory.js";
import { momentumPairs, type TreeSlots } from "./tree.js";

/**
 * `nuts_transition(iteration)` moves q, `grad` and `mc_lp` to the next draw and writes its
 * statistics to `mc_stats`. The largest tree depth, at most that of `slots`, is read
 * from `nuts_depth`; the directions of all doublings are the bits of one word.
 */
export function transitionFunction(shape: HamiltonianShape, slots: TreeSlots): KernelFunction {
  const { dimension: d } = shape;
  const stride = vectorStride(shape);
  const iteration = whole("iteration");
  const [depth, limit, directions, side, working, outcome] = [
    "depth",
    "limit",
    "directions",
    "side",
    "working",
    "outcome",
  ].map(whole);
  const [sample, proposal, swap] = ["sample", "proposal", "swap"].map(whole);
  const [energy0, weight, sampleLp, sampleEnergy, signed] = [
    "energy0",
    "weight",
    "sample_lp",
    "sample_energy",
    "signed",
  ].map(real);
  const values = { lp: real("lp"), energy: energy0 };
  const other: readonly [Slice, Slice][] = [
    [POSITION, { buffer: "other_q" }],
    [GRADIENT, { buffer: "other_grad" }],
  ];
  const kept = (offset: Expr): readonly [Slice, Slice][] => [
    [POSITION, { buffer: "cand_q", offset }],
    [GRADIENT, { buffer: "cand_grad", offset }],
  ];
  const epsilon = load("mc_epsilon", i32(0));
  const total: Slice = { buffer: "tree", offset: slots.total };

  const start: readonly Stmt[] = [
    ...refreshMomentum(shape, get(iteration), values, total),
    ...copyMomentum(slots.end(i32(0))),
    ...copyMomentum(slots.end(i32(1))),
    ...copy(d, ...other, ...kept(i32(0))),
    set(sample, i32(0)),
    set(proposal, i32(stride)),
    set(sampleLp, get(values.lp)),
    set(sampleEnergy, get(energy0)),
    set(weight, f64(1)),
    store("nuts_half", HALF.energy0, get(energy0)),
    store("nuts_half", HALF.accept, f64(0)),
    store("nuts_half", HALF.leapfrogs, f64(0)),
    drawWords(i32(0), get(iteration), SITES.doubling, FAR_WORDS),
    set(directions, load("mc_words", i32(FAR_WORDS), "i32")),
    // At the start the moving point is at both ends, so it need not be fetched for the first.
    set(working, and(get(directions), i32(1))),
    set(depth, i32(0)),
    set(outcome, i32(COMPLETE)),
    set(limit, load("nuts_depth", i32(0), "i32")),
  ];

  const goToSide: readonly Stmt[] = [
    set(side, and(binary("shr_u", get(directions), get(depth)), i32(1))),
    when(binary("ne", get(side), get(working)), [
      over(d, (i) => other.flatMap(([live, away]) => exchange(live, away, i))),
      ...restoreMomentum(slots.end(get(side))),
      set(working, get(side)),
    ]),
    set(signed, select(get(side), epsilon, neg(epsilon))),
  ];

  // Word 1 + depth of the doubling stream; word 0 holds the directions.
  const word = add(get(depth), i32(1));
  const place = and(word, i32(3));
  const choose: readonly Stmt[] = [
    when(eq(place, i32(0)), [
      drawWords(binary("shr_u", word, i32(2)), get(iteration), SITES.doubling, FAR_WORDS),
    ]),
    when(lt(mul(uniformWord(add(place, i32(FAR_WORDS))), get(weight)), half(HALF.weight)), [
      set(swap, get(sample)),
      set(sample, get(proposal)),
      set(proposal, get(swap)),
      set(sampleLp, half(HALF.lp)),
      set(sampleEnergy, half(HALF.energy)),
    ]),
    set(weight, add(get(weight), half(HALF.weight))),
  ];

  const join = call(
    "nuts_join",
    [
      slots.end(sub(i32(1), get(side))),
      slots.end(get(side)),
      slots.first(get(depth)),
      slots.total,
      // The sum over a half of one leaf is its momentum.
      select(get(depth), slots.sum(get(depth)), slots.first(i32(0))),
      slots.total,
    ],
    "i32",
  );
  const turned = whole("turned");

  return {
    name: "nuts_transition",
    params: [iteration],
    body: [
      ...start,
      set(turned, i32(0)),
      whileLoop(
        and(
          and(lt(get(depth), get(limit)), eq(get(turned), i32(0))),
          eq(get(outcome), i32(COMPLETE)),
        ),
        [
          ...goToSide,
          set(
            outcome,
            call("nuts_extend", [get(iteration), get(depth), get(signed), get(proposal)], "i32"),
          ),
          when(eq(get(outcome), i32(COMPLETE)), [
            ...choose,
            set(turned, eq(join, i32(0))),
            ...copyMomentum(slots.end(get(side))),
            set(depth, add(get(depth), i32(1))),
          ]),
        ],
      ),
      ...copy(d, ...kept(get(sample)).map(([live, away]): [Slice, Slice] => [away, live])),
      store("mc_lp", i32(0), get(sampleLp)),
      ...statistics({
        lp: get(sampleLp),
        accept_stat: div(half(HALF.accept), half(HALF.leapfrogs)),
        stepsize: epsilon,
        treedepth: convert("f64_from_i32", get(depth)),
        n_leapfrog: half(HALF.leapfrogs),
        divergent: convert("f64_from_i32", eq(get(outcome), i32(DIVERGED))),
        energy: get(sampleEnergy),
      }),
    ],
    exported: true,
  };

  function copyMomentum(offset: Expr): readonly Stmt[] {
    return copy(d, ...momentumPairs(shape, offset));
  }
  function restoreMomentum(offset: Expr): readonly Stmt[] {
    const pairs = momentumPairs(shape, offset);
    return copy(d, ...pairs.map(([live, away]): [Slice, Slice] => [away, live]));
  }
}

/** Exchanges element i of two slices. */
function exchange(a: Slice, b: Slice, i: Expr): readonly Stmt[] {
  const held = real(`held_${a.buffer}`);
  return [set(held, at(a, i)), put(a, i, at(b, i)), put(b, i, get(held))];
}
