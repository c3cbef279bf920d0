/**
 * Conjugate updates as kernels: the natural parameters of every unit from the gradients at the
 * references (`stats_<site>`), as `conditionals/rules.ts` reads them, and a draw each, with the
 * words and arithmetic of `expfam`. `update_<site>(sweep)` gives 1, or 0 where a conditional is
 * improper.
 */
import {
  add,
  and,
  binary,
  div,
  f64,
  get,
  giveBack,
  gt,
  i32,
  index,
  load,
  loop,
  lt,
  mul,
  neg,
  perform,
  select,
  set,
  store,
  sub,
  unary,
  when,
} from "../../../kernel/build.js";
import type { Expr, KernelFunction, Local, Stmt } from "../../../kernel/ir.js";
import { sqrt } from "../../../kernel/mathlib/define.js";
import type { Conjugate } from "../../conditionals/finding.js";
import { inputBuffer } from "../../conditionals/kernels.js";
import { isCompiled } from "../../conditionals/natural.js";
import { FAR, LAST, LEAST, NEAR } from "../range.js";
import {
  exp,
  gammaDraw,
  log,
  logGammaDraw,
  normalDraw,
  real,
  seedStream,
  whole,
} from "./random.js";

/** Whether a conditional is drawn by a kernel of its own. */
export function hasUnitKernel(f: Conjugate): boolean {
  const { family, tangent } = f.rule;
  const isKnown = family === "Dirichlet" || Object.hasOwn(scalarUpdates, family);
  return isKnown && tangent !== true && isCompiled(f);
}

const isBounded = (x: Expr): Expr => lt(unary("abs", x), f64(Number.POSITIVE_INFINITY));
const isPositive = (x: Expr): Expr => and(gt(x, f64(0)), lt(x, f64(Number.POSITIVE_INFINITY)));
const clamped = (x: Expr, least: number, most: number): Expr =>
  binary("min", binary("max", x, f64(least)), f64(most));

/** Gammas of shape 1 and more are far from 0 and need no logarithms. */
const byShape = (
  shapes: readonly Local[],
  plain: readonly Stmt[],
  inLogs: readonly Stmt[],
): readonly Stmt[] => [
  when(shapes.map((s) => binary("ge", get(s), f64(1))).reduce(and), plain, inLogs),
];

interface ScalarUpdate {
  /** Sets `e0`, `e1` from the gradients `g0`, `g1` at the two references. */
  readonly read: (g0: Expr, g1: Expr) => readonly Stmt[];
  readonly isValid: Expr;
  readonly draw: readonly Stmt[];
}
const [e0, e1, x, held] = ["e0", "e1", "x", "held"].map(real);

const scalarUpdates: Readonly<Record<string, ScalarUpdate>> = {
  Normal: {
    read: (g0, g1) => [
      set(e0, g0),
      // The precision.
      set(e1, neg(div(sub(g1, g0), f64(FAR)))),
    ],
    isValid: and(isBounded(get(e0)), isPositive(get(e1))),
    draw: [set(x, add(div(get(e0), get(e1)), div(normalDraw(), sqrt(get(e1)))))],
  },
  Gamma: {
    read: (g0, g1) => [
      set(e0, div(sub(mul(f64(NEAR), g0), mul(f64(NEAR), g1)), f64(1 - NEAR * NEAR))),
      set(e1, neg(sub(g1, mul(get(e0), f64(NEAR))))),
      set(e0, add(get(e0), f64(1))),
    ],
    isValid: and(isPositive(get(e0)), isPositive(get(e1))),
    draw: [
      ...byShape(
        [e0],
        [set(x, div(gammaDraw(get(e0)), get(e1)))],
        [set(held, logGammaDraw(get(e0))), set(x, exp(sub(get(held), log(get(e1)))))],
      ),
      set(x, clamped(get(x), LEAST, 1 / LEAST)),
    ],
  },
  InverseGamma: {
    read: (g0, g1) => [
      set(held, mul(f64(NEAR * NEAR), g0)),
      set(e0, div(sub(mul(f64(FAR), g1), mul(get(held), f64(NEAR))), f64(1 - NEAR * NEAR))),
      set(e1, sub(get(held), mul(get(e0), f64(NEAR)))),
      set(e0, neg(add(get(e0), f64(1)))),
    ],
    isValid: and(isPositive(get(e0)), isPositive(get(e1))),
    draw: [
      ...byShape(
        [e0],
        [set(x, div(get(e1), gammaDraw(get(e0))))],
        [set(held, logGammaDraw(get(e0))), set(x, exp(sub(log(get(e1)), get(held))))],
      ),
      set(x, clamped(get(x), LEAST, 1 / LEAST)),
    ],
  },
  Beta: {
    read: (g0, g1) => {
      const weight = NEAR * (1 - NEAR);
      const determinant = 1 - 2 * NEAR;
      const [f0, f1] = [mul(f64(weight), g0), mul(f64(weight), g1)];
      return [
        set(e0, div(sub(mul(f0, f64(1 - NEAR)), mul(f1, f64(NEAR))), f64(determinant))),
        set(e1, div(sub(mul(f0, f64(NEAR)), mul(f1, f64(1 - NEAR))), f64(determinant))),
        set(e0, add(get(e0), f64(1))),
        set(e1, add(get(e1), f64(1))),
      ];
    },
    isValid: and(isPositive(get(e0)), isPositive(get(e1))),
    draw: [
      ...byShape(
        [e0, e1],
        [set(held, gammaDraw(get(e0))), set(x, div(get(held), add(get(held), gammaDraw(get(e1)))))],
        [
          set(held, logGammaDraw(get(e0))),
          set(held, sub(get(held), logGammaDraw(get(e1)))),
          set(x, div(f64(1), add(f64(1), exp(neg(get(held)))))),
        ],
      ),
      set(x, clamped(get(x), LEAST, LAST)),
    ],
  },
};

/** The update of a site for which `hasUnitKernel` holds. */
export function conjugateFunction(f: Conjugate): KernelFunction {
  const sweep = whole("sweep");
  const units = f.classes[0].length;
  const scalar = scalarUpdates[f.rule.family];
  return {
    name: `update_${f.site}`,
    params: [sweep],
    result: "i32",
    body: [
      seedStream(f.site + 1, get(sweep)),
      perform(`stats_${f.site}`, []),
      ...(scalar === undefined ? dirichlets(f, units) : scalars(f, units, scalar)),
      giveBack(i32(1)),
    ],
    exported: true,
  };
}

function scalars(f: Conjugate, units: number, update: ScalarUpdate): readonly Stmt[] {
  const u = index("u");
  const [g0, g1] = [real("g0"), real("g1")];
  return [
    loop("u", i32(0), i32(units), [
      set(g0, load(`stats_${f.site}`, u)),
      set(g1, load(`stats_${f.site}`, add(u, i32(units)))),
      ...update.read(get(g0), get(g1)),
      when(unary("eqz", update.isValid), [giveBack(i32(0))]),
      ...update.draw,
      store(inputBuffer(f.site), u, get(x)),
    ]),
  ];
}

/** Normalised in logs, as `RandomStream.dirichlet`. */
function dirichlets(f: Conjugate, units: number): readonly Stmt[] {
  const values = inputBuffer(f.site);
  const { size } = f;
  const [largest, total, alpha] = ["largest", "total", "alpha"].map(real);
  const start = whole("start");
  const k = index("k");
  const at = add(get(start), k);
  const value = load(values, at);
  const each = (body: readonly Stmt[]): Stmt => loop("k", i32(0), i32(size), body);
  return [
    loop("u", i32(0), i32(units), [
      set(start, mul(index("u"), i32(size))),
      set(largest, f64(Number.NEGATIVE_INFINITY)),
      each([
        set(alpha, add(div(load(`stats_${f.site}`, at), f64(size)), f64(1))),
        when(unary("eqz", isPositive(get(alpha))), [giveBack(i32(0))]),
        set(x, logGammaDraw(get(alpha))),
        store(values, at, get(x)),
        set(largest, select(gt(get(x), get(largest)), get(x), get(largest))),
      ]),
      set(total, f64(0)),
      each([
        set(x, exp(sub(value, get(largest)))),
        store(values, at, get(x)),
        set(total, add(get(total), get(x))),
      ]),
      each([store(values, at, binary("max", div(value, get(total)), f64(LEAST)))]),
    ]),
  ];
}
