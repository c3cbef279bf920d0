/**
 * L-BFGS of several starts at once, as the step of a loop: one pass is one value and gradient of
 * every start, each at its own place of its own line search. Points, gradients and the remembered
 * pairs stay where the loop runs; a search that has ended waits for the others.
 *
 * The searches are those of src/math/lbfgs.ts and src/math/line-search.ts (Nocedal and Wright,
 * Numerical Optimization, 2nd ed., algorithms 7.5, 3.5 and 3.6): the same first steps, the same
 * bracketing, zoom and cubic interpolation, the same tests of convergence. In single precision two
 * things differ. The objective is known to 2⁻²⁰ of itself, so that values closer than that are told
 * apart by slopes (Hager and Zhang 2005, equation 4.1), which keep their digits; and its change says
 * nothing about convergence but after several steps in a row that do not change it.
 */
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { densitiesAt } from "../hamiltonian/many.js";

export interface ManySearches {
  readonly graph: Graph;
  /** Inputs that a pass changes, each with the output that is its next value. */
  readonly state: Readonly<Record<string, string>>;
  /** `open`: searches that have not ended. */
  readonly trace: readonly ["open"];
}

/** Pairs of steps and gradient changes that are remembered. */
export const HISTORY = 5;
/** Sufficient decrease and curvature, as on the CPU. */
const C1 = 1e-4;
const C2 = 0.9;
const EXPANSION = 4;
const MAX_EVALUATIONS = 60;

/** What a search has come to: numbers of the state `status`. */
export const SEARCH_STATUS = [
  "open",
  "gradient",
  "relative-gradient",
  "objective",
  "relative-objective",
  "parameters",
  "iteration-limit",
  "line-search-failed",
  "non-finite-start",
] as const;
const STATUS = Object.fromEntries(SEARCH_STATUS.map((name, k) => [name, k])) as Readonly<
  Record<(typeof SEARCH_STATUS)[number], number>
>;

/** Where a search stands in its line search: numbers of the state `phase`. */
export const PHASE = { bracket: 0, zoom: 1, begin: 2 } as const;

/** Elements of the input `search_settings`, in their order. */
export interface SearchSettings {
  readonly objectiveTolerance: number;
  /** Of the change of the objective relative to it. */
  readonly relativeObjective: number;
  readonly gradientTolerance: number;
  /** Of gᵀ H g relative to the objective. */
  readonly relativeGradient: number;
  readonly parameterTolerance: number;
  /** Of numbers: curvature below it is rounding. */
  readonly epsilon: number;
  /** Relative rounding of the objective. */
  readonly noise: number;
  /** Steps in a row that change the objective by rounding alone, after which it has converged. */
  readonly flat: number;
  readonly maxIterations: number;
}
const SETTINGS: readonly (keyof SearchSettings)[] = [
  "objectiveTolerance",
  "relativeObjective",
  "gradientTolerance",
  "relativeGradient",
  "parameterTolerance",
  "epsilon",
  "noise",
  "flat",
  "maxIterations",
];
export const settingsVector = (s: SearchSettings): Float64Array =>
  Float64Array.from(SETTINGS, (name) => s[name]);

/** The settings of a precision; those of f64 are the defaults of src/math/lbfgs.ts. */
export function searchSettings(precision: "f64" | "f32", maxIterations: number): SearchSettings {
  const common = {
    gradientTolerance: 1e-8,
    relativeGradient: 1e7 * Number.EPSILON,
    parameterTolerance: 1e-8,
    maxIterations,
  };
  if (precision === "f64") {
    return {
      ...common,
      objectiveTolerance: 1e-12,
      relativeObjective: 1e4 * Number.EPSILON,
      epsilon: Number.EPSILON,
      noise: 1e-14,
      flat: maxIterations + 1,
    };
  }
  // Sixteen roundings, as the precision guard has them.
  const noise = 2 ** -20;
  return {
    ...common,
    objectiveTolerance: 0,
    relativeObjective: 0,
    epsilon: 2 ** -23,
    noise,
    flat: 10,
  };
}

/** Names of what belongs to a search: `[starts, dimension]`, and `[starts]`. */
const vectors = ["x", "g", "p", "low_g"] as const;
const scalars = [
  "f",
  "slope",
  "step",
  "phase",
  "left",
  "low_step",
  "low_value",
  "low_slope",
  "high_step",
  "high_value",
  "high_slope",
  "high_finite",
  "scale",
  "pairs",
  "flat",
  "iterations",
  "evaluations",
  "status",
] as const;

/**
 * Inputs: the state of each search, of which `x` and `phase` (`begin`) are set to begin one;
 * the remembered pairs, newest last: `pairs_s`, `pairs_y` `[starts, HISTORY, dimension]`, and their
 * products `pairs_r` (the upper triangle of SᵀY) and `pairs_yy`; `search_settings`. `f` and `g` are the value and the gradient of what is minimised, −log p.
 * @param density outputs `lp` and `grad` of its one input
 */
export function manySearches(density: Graph, starts: number): ManySearches {
  const [d] = density.inputs[0].shape;
  const g = new SimplifyingBuilder();
  const wide = Object.fromEntries(vectors.map((v) => [v, g.input(v, [starts, d])]));
  const each = Object.fromEntries(scalars.map((v) => [v, g.input(v, [starts])]));
  const m = HISTORY;
  const pairsS = g.input("pairs_s", [starts, m, d]);
  const pairsY = g.input("pairs_y", [starts, m, d]);
  const pairsR = g.input("pairs_r", [starts, m, m]);
  const pairsYy = g.input("pairs_yy", [starts, m, m]);
  const given = g.input("search_settings", [SETTINGS.length]);
  const setting = Object.fromEntries(
    SETTINGS.map((name, k) => [name, g.broadcast(g.at(given, 0, k), [starts])]),
  ) as Readonly<Record<keyof SearchSettings, Node>>;

  const zeros = g.zeros([starts]);
  const ones = g.ones([starts]);
  const whole = (x: Node): Node => g.broadcast(x, [starts, d], [0]);
  const dot = (x: Node, y: Node): Node => g.sum(g.mul(x, y), [1]);
  const scaled = (s: Node, x: Node): Node => g.mul(whole(s), x);
  const choose = (condition: Node, x: Node, y: Node): Node =>
    x.shape.length === 2 ? g.select(whole(condition), x, y) : g.select(condition, x, y);
  const any = (...of: readonly Node[]): Node => of.reduce((x, y) => g.or(x, y));
  const all = (...of: readonly Node[]): Node => of.reduce((x, y) => g.and(x, y));
  const finiteAt = (x: Node): Node => g.lt(g.abs(x), g.full(x.shape, Infinity));
  const norm = (x: Node): Node => {
    // Scaled, so that squares neither overflow nor underflow.
    const largest = g.reduceMax(g.abs(x), [1]);
    const unit = g.select(g.gt(largest, zeros), largest, ones);
    return g.mul(unit, g.sqrt(g.sum(g.square(g.div(x, whole(unit))), [1])));
  };
  const largestOf = (...of: readonly Node[]): Node => of.reduce((x, y) => g.max(x, y));

  const isOpen = g.eq(each.status, zeros);
  const isBegin = g.eq(each.phase, g.full([starts], PHASE.begin));
  const isZoom = g.eq(each.phase, g.full([starts], PHASE.zoom));
  const at = choose(isBegin, wide.x, g.add(wide.x, scaled(each.step, wide.p)));
  const { lp, grad } = densitiesAt(g, density, at);
  const value = g.neg(lp);
  const slopes = g.neg(grad);
  const slope = dot(slopes, wide.p);
  const broken = g.sum(g.select(finiteAt(slopes), g.zeros([starts, d]), g.ones([starts, d])), [1]);
  const finite = g.and(finiteAt(value), g.eq(broken, zeros));
  const evaluations = g.add(each.evaluations, 1);
  const left = g.sub(each.left, 1);

  // Where the trial lies: algorithms 3.5 and 3.6, whose previous point is `low` here.
  const rounding = g.mul(setting.noise, g.abs(each.f));
  const enough = g.add(each.f, g.mul(g.mul(C1, each.step), each.slope));
  const flatHere = g.and(
    g.le(value, g.add(each.f, rounding)),
    g.le(slope, g.mul(2 * C1 - 1, each.slope)),
  );
  const decreases = g.or(g.le(value, enough), flatHere);
  const isAbove = g.and(g.gt(each.low_step, zeros), g.gt(value, g.add(each.low_value, rounding)));
  const isBad = g.or(g.not(g.and(finite, decreases)), isAbove);
  const isGood = g.and(g.not(isBad), g.le(g.abs(slope), g.mul(-C2, each.slope)));
  const isPast = g.ge(slope, zeros);
  // In a zoom the slope at the trial may point away from `high`: then `low` takes its place.
  const away = g.ge(g.mul(slope, g.sub(each.high_step, each.low_step)), zeros);
  const highIsTrial = isBad;
  const highIsLow = g.and(g.not(isBad), g.or(g.and(g.not(isZoom), isPast), g.and(isZoom, away)));
  const bracketed = any(isZoom, isBad, isPast);
  const high = {
    step: choose(highIsTrial, each.step, choose(highIsLow, each.low_step, each.high_step)),
    value: choose(highIsTrial, value, choose(highIsLow, each.low_value, each.high_value)),
    slope: choose(highIsTrial, slope, choose(highIsLow, each.low_slope, each.high_slope)),
    finite: choose(
      highIsTrial,
      choose(finite, ones, zeros),
      choose(highIsLow, ones, each.high_finite),
    ),
  };
  const low = {
    step: choose(isBad, each.low_step, each.step),
    value: choose(isBad, each.low_value, value),
    slope: choose(isBad, each.low_slope, slope),
    g: choose(isBad, wide.low_g, slopes),
  };
  const width = g.sub(high.step, low.step);
  const middle = g.add(low.step, g.mul(0.5, width));
  const rise = g.sub(high.value, low.value);
  const d1 = g.sub(g.add(low.slope, high.slope), g.div(g.mul(3, rise), width));
  const square = g.sub(g.square(d1), g.mul(low.slope, high.slope));
  const d2 = g.mul(g.sign(width), g.sqrt(largestOf(square, zeros)));
  const turn = g.sub(high.slope, low.slope);
  const cubic = g.sub(
    high.step,
    g.div(g.mul(width, g.sub(g.add(high.slope, d2), d1)), g.add(turn, g.mul(2, d2))),
  );
  const secant = g.sub(low.step, g.div(g.mul(low.slope, width), turn));
  const wanted = choose(g.le(g.abs(rise), rounding), secant, cubic);
  const share = g.div(g.sub(wanted, low.step), width);
  const isInner = all(
    g.ge(square, zeros),
    g.ge(share, g.full([starts], 0.1)),
    g.le(share, g.full([starts], 0.9)),
  );
  const zoomed = choose(
    g.gt(high.finite, zeros),
    choose(isInner, wanted, middle),
    g.add(low.step, g.mul(0.2, width)),
  );
  const trial = choose(bracketed, zoomed, g.mul(EXPANSION, each.step));
  const isStuck = g.or(g.eq(trial, low.step), g.and(bracketed, g.eq(trial, high.step)));
  const isExhausted = g.and(g.not(isGood), any(g.le(left, zeros), isStuck, g.not(finiteAt(trial))));
  // A decrease without the curvature condition is still progress.
  const takesLow = all(isExhausted, g.gt(low.step, zeros), g.lt(low.value, each.f));
  const moves = all(isOpen, g.not(isBegin), g.or(isGood, takesLow));
  const fails = all(isOpen, g.not(isBegin), isExhausted, g.not(takesLow));
  const begins = all(isOpen, isBegin, finite);
  const cannotBegin = all(isOpen, isBegin, g.not(finite));

  // The step that was found, and what it says of the curvature.
  const taken = choose(isGood, each.step, low.step);
  const s = scaled(taken, wide.p);
  const x = choose(moves, g.add(wide.x, s), wide.x);
  const f = choose(begins, value, choose(moves, choose(isGood, value, low.value), each.f));
  const now = choose(begins, slopes, choose(moves, choose(isGood, slopes, low.g), wide.g));
  const y = g.sub(now, wide.g);
  const sy = dot(s, y);
  const yy = dot(y, y);
  const isPair = g.and(moves, g.gt(sy, g.mul(setting.epsilon, yy)));
  const scale = choose(isPair, g.div(sy, yy), each.scale);
  const count = choose(isPair, g.min(g.add(each.pairs, 1), g.full([starts], m)), each.pairs);
  const later = (stack: Node, newest: Node): Node => {
    const rest = g.slice(stack, [0, 1, 0], [starts, m - 1, d]);
    const shifted = g.concat([rest, g.reshape(newest, [starts, 1, d])], 1);
    return g.select(g.broadcast(isPair, stack.shape, [0]), shifted, stack);
  };
  const newS = later(pairsS, s);
  const newY = later(pairsY, y);
  const isThere = g.ge(
    g.broadcast(g.iota(m), [starts, m], [1]),
    g.broadcast(g.sub(m, count), [starts, m], [0]),
  );
  /** Σ over the dimension of each pair's vectors with `v`; 0 for pairs that are not there. */
  const products = (stack: Node, v: Node): Node => {
    const all = g.sum(g.mul(stack, g.broadcast(v, stack.shape, [0, 2])), [2]);
    return g.select(isThere, all, g.zeros([starts, m]));
  };
  const [sNow, yNow, sNewest, yNewest] = [
    products(newS, now),
    products(newY, now),
    products(newS, y),
    products(newY, y),
  ];
  /** A matrix of products without the oldest pair, and with a last row and column. */
  const grown = (matrix: Node, row: Node, column: Node): Node => {
    const rest = g.slice(matrix, [0, 1, 1], [starts, m - 1, m - 1]);
    const above = g.concat(
      [rest, g.slice(g.reshape(column, [starts, m, 1]), [0, 0, 0], [starts, m - 1, 1])],
      2,
    );
    const found = g.concat([above, g.reshape(row, [starts, 1, m])], 1);
    return g.select(g.broadcast(isPair, matrix.shape, [0]), found, matrix);
  };
  const isLast = g.eq(g.broadcast(g.iota(m), [starts, m], [1]), g.full([starts, m], m - 1));
  const newR = grown(pairsR, g.select(isLast, sNewest, g.zeros([starts, m])), sNewest);
  const newYy = grown(pairsYy, yNewest, yNewest);

  // H g in the compact form of Byrd, Nocedal and Schnabel (1994, equation 2.6), whose products of
  // vectors are few: with R the upper triangle of SᵀY and D its diagonal, p = R⁻¹ Sᵀg,
  // u = R⁻ᵀ ((D + γ YᵀY) p − γ Yᵀg), H g = γ g + S u − γ Y p.
  const unit = g.constant(
    Float64Array.from({ length: m * m }, (_, k) => (k % (m + 1) === 0 ? 1 : 0)),
    [m, m],
  );
  const diagonal = g.broadcast(unit, [starts, m, m], [1, 2]);
  const column = (v: Node): Node => g.reshape(v, [starts, m, 1]);
  const missing = g.select(isThere, g.zeros([starts, m]), g.ones([starts, m]));
  const filled = g.add(newR, g.mul(diagonal, g.broadcast(missing, [starts, m, m], [0, 2])));
  const lower = g.transpose(filled);
  const p = g.triangularSolve(lower, column(sNow), true);
  const perPair = (v: Node): Node => g.broadcast(v, [starts, m, 1], [0]);
  const inner = g.add(
    g.matmul(g.mul(diagonal, newR), p),
    g.mul(perPair(scale), g.sub(g.matmul(newYy, p), column(yNow))),
  );
  const u = g.triangularSolve(lower, inner);
  const spread = (v: Node): Node => g.broadcast(g.reshape(v, [starts, m]), [starts, m, d], [0, 1]);
  const bySteps = g.sum(g.mul(spread(u), newS), [1]);
  const byChanges = g.sum(g.mul(spread(p), newY), [1]);
  const product = g.add(g.mul(whole(scale), g.sub(now, byChanges)), bySteps);
  const quasi = g.neg(product);
  const decrement = dot(now, product);
  const isDescent = g.and(g.gt(decrement, zeros), finiteAt(decrement));
  const steepest = g.neg(now);
  const length = norm(now);
  const root = (x: Node): Node => g.sqrt(dot(x, x));

  // Tests of convergence, in the CPU's order.
  const change = g.abs(g.sub(f, each.f));
  const size = largestOf(g.abs(each.f), g.abs(f), ones);
  const isFlat = g.le(change, g.mul(setting.noise, size));
  const flat = choose(moves, choose(isFlat, g.add(each.flat, 1), zeros), each.flat);
  const iterations = choose(moves, g.add(each.iterations, 1), each.iterations);
  const reach = g.add(setting.parameterTolerance, g.mul(setting.epsilon, root(x)));
  const full = (status: keyof typeof STATUS): Node => g.full([starts], STATUS[status]);
  const tests: readonly (readonly [keyof typeof STATUS, Node])[] = [
    ["gradient", g.le(length, setting.gradientTolerance)],
    ["objective", g.lt(change, setting.objectiveTolerance)],
    [
      "relative-objective",
      g.or(g.lt(g.div(change, size), setting.relativeObjective), g.ge(flat, setting.flat)),
    ],
    [
      "relative-gradient",
      g.lt(g.div(decrement, largestOf(g.abs(f), ones)), setting.relativeGradient),
    ],
    ["parameters", g.lt(root(s), reach)],
    ["iteration-limit", g.ge(iterations, setting.maxIterations)],
  ];
  const ended = tests.reduceRight(
    (next, [status, holds]) => choose(holds, full(status), next),
    zeros,
  );
  // The remembered curvature may be what misleads: once more along the gradient.
  const restarts = all(fails, g.gt(each.pairs, zeros));
  const forgets = g.or(restarts, g.and(moves, g.not(isDescent)));
  const isNew = any(begins, moves, restarts);
  const status = choose(
    moves,
    ended,
    choose(
      cannotBegin,
      full("non-finite-start"),
      choose(
        g.and(fails, g.not(restarts)),
        full("line-search-failed"),
        choose(
          g.and(begins, g.le(length, setting.gradientTolerance)),
          full("gradient"),
          each.status,
        ),
      ),
    ),
  );
  const emptied = any(forgets, begins);
  const direction = choose(isNew, choose(emptied, steepest, quasi), wide.p);
  const down = choose(emptied, g.square(length), decrement);
  const along = choose(isNew, g.neg(down), each.slope);
  const pairs = choose(emptied, zeros, count);
  // Without curvature the gradient has no natural length: the first step has length 1 at most.
  const first = choose(g.gt(pairs, zeros), ones, g.min(ones, g.reciprocal(length)));
  const searches = all(isOpen, g.not(isNew));
  /** At a new direction, while the search goes on, and where it has ended. */
  const next = (fresh: Node, going: Node, before: Node): Node =>
    choose(isNew, fresh, choose(searches, going, before));
  const without = (matrix: Node): Node =>
    g.select(g.broadcast(emptied, matrix.shape, [0]), g.zeros(matrix.shape), matrix);
  // What is not finite is never read, and is not kept either: 0 · ∞ is no number.
  const kept = (v: Node): Node => choose(finite, v, zeros);
  const outputs: Record<string, Node> = {
    next_x: x,
    next_g: now,
    next_p: direction,
    next_low_g: choose(isNew, now, choose(searches, low.g, wide.low_g)),
    next_f: f,
    next_slope: along,
    next_step: next(first, trial, each.step),
    next_phase: next(
      g.full([starts], PHASE.bracket),
      choose(bracketed, g.full([starts], PHASE.zoom), g.full([starts], PHASE.bracket)),
      each.phase,
    ),
    next_left: next(g.full([starts], MAX_EVALUATIONS), left, each.left),
    next_low_step: next(zeros, low.step, each.low_step),
    next_low_value: next(f, low.value, each.low_value),
    next_low_slope: next(along, low.slope, each.low_slope),
    next_high_step: next(zeros, high.step, each.high_step),
    next_high_value: next(zeros, choose(highIsTrial, kept(value), high.value), each.high_value),
    next_high_slope: next(zeros, choose(highIsTrial, kept(slope), high.slope), each.high_slope),
    next_high_finite: next(ones, high.finite, each.high_finite),
    next_scale: choose(emptied, ones, scale),
    next_pairs: pairs,
    next_flat: choose(begins, zeros, flat),
    next_iterations: choose(begins, zeros, iterations),
    next_evaluations: choose(isOpen, evaluations, each.evaluations),
    next_status: status,
    next_pairs_s: newS,
    next_pairs_y: newY,
    next_pairs_r: without(newR),
    next_pairs_yy: without(newYy),
    open: g.sum(choose(g.eq(status, zeros), ones, zeros)),
  };
  const carried = [...vectors, ...scalars, "pairs_s", "pairs_y", "pairs_r", "pairs_yy"];
  return {
    graph: simplify({
      inputs: g.inputs,
      outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
    }),
    state: Object.fromEntries(carried.map((name) => [name, `next_${name}`])),
    trace: ["open"],
  };
}
