/**
 * The kinetic energy ½ pᵀM⁻¹p with a diagonal or dense inverse metric M⁻¹: momentum draws
 * p ~ N(0, M) and velocities M⁻¹p ("p sharp", Betancourt, "A conceptual introduction to
 * Hamiltonian Monte Carlo", 2017, appendix A).
 */
import {
  add,
  binary,
  div,
  get,
  i32,
  index,
  load,
  loop,
  mul,
  perform,
  set,
  store,
  sub,
} from "../../kernel/build.js";
import type { Expr, KernelFunction, Local, Stmt } from "../../kernel/ir.js";
import type { HamiltonianShape } from "./shape.js";
import {
  accumulate,
  at,
  over,
  put,
  real,
  rowProducts,
  type Slice,
  whole,
  zeroed,
} from "./vector.js";

/** The momentum of the moving point. */
export const MOMENTUM: Slice = { buffer: "p" };

/**
 * Element i of the velocity of a stored momentum. With a diagonal metric it is recomputed, which
 * is cheaper than storing it; a dense one keeps each `x` beside a `x_sharp` of the same layout.
 */
export function velocity(shape: HamiltonianShape, momentum: Slice, i: Expr): Expr {
  return shape.metric === "diag"
    ? mul(load("mc_inverse", i), at(momentum, i))
    : at(sharpOf(momentum), i);
}

/** Where the velocity of a momentum is kept with a dense metric. */
export function sharpOf(momentum: Slice): Slice {
  return { ...momentum, buffer: `${momentum.buffer}_sharp` };
}

/**
 * Sets `twice` to pᵀM⁻¹p and, with a dense metric, the velocity. Where `next` is given, element i
 * of p is first set to it; `keep` receives a copy of p.
 */
export function kineticEnergy(
  shape: HamiltonianShape,
  twice: Local,
  next?: (i: Expr) => Expr,
  keep?: Slice,
): readonly Stmt[] {
  const { dimension: d, metric } = shape;
  const p = real("p_i");
  const renew = (i: Expr): readonly Stmt[] => [
    set(p, next === undefined ? at(MOMENTUM, i) : next(i)),
    ...(next === undefined ? [] : [put(MOMENTUM, i, get(p))]),
    ...(keep === undefined ? [] : [put(keep, i, get(p))]),
  ];
  if (metric === "diag") {
    const term = (i: Expr): Expr => mul(mul(load("mc_inverse", i), get(p)), get(p));
    return [...zeroed([twice]), over(d, (i) => [...renew(i), accumulate(twice, term(i))], [twice])];
  }
  return [
    ...zeroed([twice]),
    ...(next === undefined && keep === undefined ? [] : [over(d, renew)]),
    rowProducts(d, "mc_inverse", MOMENTUM, (i, product) => [
      put(sharpOf(MOMENTUM), i, product),
      ...(keep === undefined ? [] : [put(sharpOf(keep), i, product)]),
      set(twice, add(get(twice), mul(product, at(MOMENTUM, i)))),
    ]),
  ];
}

/** q += epsilon · M⁻¹p. */
export function drift(shape: HamiltonianShape, epsilon: Expr): readonly Stmt[] {
  const { dimension: d, metric } = shape;
  const move = (i: Expr, v: Expr): Stmt => store("q", i, add(load("q", i), mul(epsilon, v)));
  return metric === "diag"
    ? [over(d, (i) => [move(i, velocity(shape, MOMENTUM, i))])]
    : [rowProducts(d, "mc_inverse", MOMENTUM, (i, product) => [move(i, product)])];
}

/**
 * `mc_momentum(iteration)`: p ~ N(0, M). From normals z, p = z / √diag(M⁻¹), or the solution of
 * Lᵀp = z with M⁻¹ = LLᵀ, whose covariance is L⁻ᵀL⁻¹ = M.
 */
export function momentumFunction(shape: HamiltonianShape): KernelFunction {
  const { dimension: d, metric } = shape;
  const iteration = whole("iteration");
  const scale =
    metric === "diag"
      ? over(d, (i) => [store("p", i, mul(load("p", i), load("mc_factor", i)))])
      : solveTransposed(d);
  return {
    name: "mc_momentum",
    params: [iteration],
    body: [perform("mc_normals", [get(iteration), i32(d)]), scale],
    exported: false,
  };
}

/** Back substitution for Lᵀp = z in place, from the last element, by rows of L. */
function solveTransposed(d: number): Stmt {
  const row = whole("row");
  const start = whole("row_start");
  const solved = real("solved");
  const j = index("j");
  return loop("k", i32(0), i32(d), [
    set(row, sub(i32(d - 1), index("k"))),
    set(start, mul(get(row), i32(d))),
    set(solved, div(load("p", get(row)), load("mc_factor", add(get(start), get(row))))),
    store("p", get(row), get(solved)),
    loop(
      "j",
      i32(0),
      get(row),
      [
        store(
          "p",
          j,
          binary("sub", load("p", j), mul(load("mc_factor", add(get(start), j)), get(solved))),
        ),
      ],
      { reductions: [] },
    ),
  ]);
}
