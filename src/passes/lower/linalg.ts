/**
 * Factorisations and solves as loops, by rows, so that inner loops are dot products or updates of
 * contiguous memory. Sources: Golub and Van Loan, Matrix Computations, 4th ed.: algorithms 4.2.2
 * (Cholesky; here rows of Lᵀ), 3.1.1 and 3.1.2 (triangular systems), 3.4.1 (LU with partial pivoting).
 */
import * as k from "../../kernel/build.js";
import type { Expr, Stmt } from "../../kernel/ir.js";
import { type ArrayRef, load, loopOver, loopsOver, store } from "./arrays.js";
import type { FunctionContext } from "./context.js";
import {
  type Affine,
  constantIndex,
  indexExpr,
  shift,
  variableIndex,
  zeroIndex,
} from "./index-maps.js";

const zero = k.f64(0);

/** `Σ_{p in [from, to)} f(p)` in a new local. */
function dot(
  context: FunctionContext,
  code: Stmt[],
  extent: number,
  range: { readonly from?: Affine; readonly to?: Affine },
  f: (p: Affine) => Expr,
): Expr {
  const sum = context.local("dot");
  code.push(k.set(sum, zero));
  loopOver(
    context,
    code,
    extent,
    (p, inner) => {
      inner.push(k.set(sum, k.add(k.get(sum), f(p))));
    },
    { ...range, reductions: [{ local: sum.name, fn: "add" }] },
  );
  return k.get(sum);
}

/**
 * L of A = L Lᵀ; all NaN where a pivot is not positive and finite. Reads A's lower triangle. The
 * rows of Lᵀ are made in the upper triangle of L's memory, where they are contiguous, and then
 * put in place.
 */
export function emitCholesky(
  context: FunctionContext,
  code: Stmt[],
  a: ArrayRef,
  l: ArrayRef,
): void {
  const n = a.shape[0];
  const good = context.local("good", "i32");
  code.push(k.set(good, k.i32(1)));
  loopOver(context, code, n, (j, rows) => {
    loopOver(context, rows, n, (c, inner) => inner.push(store(l, [j, c], load(a, [c, j]))), {
      from: j,
      parallel: true,
    });
    const columns = { extent: n, from: j };
    subtractRows(context, rows, l, j, { to: j }, (p) => load(l, [p, j]), columns);
    const pivot = context.bind(rows, "pivot", load(l, [j, j]));
    // False for NaN.
    const positive = k.and(k.gt(pivot, zero), k.lt(pivot, k.f64(Number.POSITIVE_INFINITY)));
    rows.push(k.set(good, k.and(k.get(good), positive)));
    const root = context.bind(rows, "root", k.unary("sqrt", pivot));
    rows.push(store(l, [j, j], root));
    loopOver(
      context,
      rows,
      n,
      (c, inner) => inner.push(store(l, [j, c], k.div(load(l, [j, c]), root))),
      { from: shift(j, 1), parallel: true },
    );
  });
  loopOver(context, code, n, (i, rows) => {
    loopOver(
      context,
      rows,
      n,
      (c, inner) => {
        inner.push(store(l, [i, c], load(l, [c, i])));
        inner.push(store(l, [c, i], zero));
      },
      { to: i },
    );
  });
  fillIf(context, code, k.unary("eqz", k.get(good)), l);
}

/** Rows that are read together, so that the row that they change is loaded and stored less. */
const TOGETHER = 4;

/**
 * `x[i, c] −= Σ_{p in [from, to)} factor(p) · x[p, c]` for the columns c; row i is not in the
 * range.
 */
function subtractRows(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  i: Affine,
  range: { readonly from?: Affine; readonly to?: Affine },
  factor: (p: Affine) => Expr,
  columns: { readonly extent: number; readonly from?: Affine } = { extent: x.shape[1] },
): void {
  const n = x.shape[0];
  const from = indexExpr(range.from ?? zeroIndex);
  const to = indexExpr(range.to ?? constantIndex(n));
  const count = k.sub(to, from);
  const rest = context.bind(code, "rest", k.sub(to, k.and(count, k.i32(TOGETHER - 1))));
  const some = (step: number, first: Expr, end: Expr): void => {
    const name = context.local("p", "i32").name;
    const id = context.variableId();
    const p = variableIndex({ id, expr: k.index(name), depth: 0, extent: n });
    const body: Stmt[] = [];
    const rows = Array.from({ length: step }, (_, u) => shift(p, u));
    const factors = rows.map((row) => context.bind(body, "factor", factor(row)));
    loopOver(
      context,
      body,
      columns.extent,
      (c, inner) => {
        const value = rows.reduce(
          (left, row, u) => k.sub(left, k.mul(factors[u], load(x, [row, c]))),
          load(x, [i, c]),
        );
        inner.push(store(x, [i, c], value));
      },
      { from: columns.from, parallel: true },
    );
    code.push({ kind: "for", index: name, from: first, to: end, step, body });
  };
  some(TOGETHER, from, rest);
  some(1, rest, to);
}

/** Sets a matrix to NaN under a condition. */
function fillIf(context: FunctionContext, code: Stmt[], condition: Expr, x: ArrayRef): void {
  const fill: Stmt[] = [];
  loopsOver(context, fill, x.shape, (at, inner) => inner.push(store(x, at, k.f64(Number.NaN))));
  code.push(k.when(condition, fill));
}

export function emitCopy(
  context: FunctionContext,
  code: Stmt[],
  from: ArrayRef,
  to: ArrayRef,
): void {
  loopsOver(context, code, to.shape, (at, inner) => inner.push(store(to, at, load(from, at))));
}

/** X with L X = B, or Lᵀ X = B; B and X are n × m. */
export function emitTriangularSolve(
  context: FunctionContext,
  code: Stmt[],
  l: ArrayRef,
  b: ArrayRef,
  x: ArrayRef,
  transposed: boolean,
): void {
  const [n, m] = x.shape;
  if (!transposed && m === 1) {
    const c = zeroIndex;
    loopOver(context, code, n, (i, rows) => {
      const sum = dot(context, rows, n, { to: i }, (p) => k.mul(load(l, [i, p]), load(x, [p, c])));
      rows.push(store(x, [i, c], k.div(k.sub(load(b, [i, c]), sum), load(l, [i, i]))));
    });
    return;
  }
  emitCopy(context, code, b, x);
  if (!transposed) {
    loopOver(context, code, n, (i, rows) => {
      subtractRows(context, rows, x, i, { to: i }, (p) => load(l, [i, p]));
      divideRow(context, rows, x, i, load(l, [i, i]));
    });
    return;
  }
  loopOver(
    context,
    code,
    n,
    (i, rows) => {
      if (m > 1) subtractRows(context, rows, x, i, { from: shift(i, 1) }, (p) => load(l, [p, i]));
      divideRow(context, rows, x, i, load(l, [i, i]));
      // Column i of Lᵀ is row i of L: once x[i] is known its share is taken from the rows above.
      if (m === 1) subtractShare(context, rows, l, x, i);
    },
    { down: true },
  );
}

/** `x[p] −= l[i, p] · x[i]` for all p < i, of a single column x. */
function subtractShare(
  context: FunctionContext,
  code: Stmt[],
  l: ArrayRef,
  x: ArrayRef,
  i: Affine,
): void {
  const share = context.bind(code, "share", load(x, [i, zeroIndex]));
  loopOver(
    context,
    code,
    x.shape[0],
    (p, inner) => {
      const rest = k.sub(load(x, [p, zeroIndex]), k.mul(load(l, [i, p]), share));
      inner.push(store(x, [p, zeroIndex], rest));
    },
    { to: i, parallel: true },
  );
}

/** `x[i, :] −= factor · x[p, :]`. */
function subtractRow(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  i: Affine,
  p: Affine,
  factor: Expr,
): void {
  const once = x.shape[1] === 1 ? factor : context.bind(code, "factor", factor);
  loopsOver(context, code, [x.shape[1]], ([c], inner) => {
    const rest = k.sub(load(x, [i, c]), k.mul(once, load(x, [p, c])));
    inner.push(store(x, [i, c], rest));
  });
}

function divideRow(
  context: FunctionContext,
  code: Stmt[],
  x: ArrayRef,
  i: Affine,
  divisor: Expr,
): void {
  const by = context.bind(code, "divisor", divisor);
  loopsOver(context, code, [x.shape[1]], ([c], inner) => {
    inner.push(store(x, [i, c], k.div(load(x, [i, c]), by)));
  });
}

/**
 * Factors A in place, P A = L U, and does to B's rows what it does to A's. Returns the local that
 * says whether every pivot was finite and not 0.
 */
function emitElimination(
  context: FunctionContext,
  code: Stmt[],
  a: ArrayRef,
  b: ArrayRef | undefined,
): Expr {
  const n = a.shape[0];
  const good = context.local("good", "i32");
  code.push(k.set(good, k.i32(1)));
  loopOver(context, code, n, (j, steps) => {
    const best = context.local("best");
    const row = context.local("row", "i32");
    const rowIndex: Affine = {
      constant: 0,
      terms: [
        { of: { id: context.variableId(), expr: k.get(row), depth: 0, extent: n }, coeff: 1 },
      ],
    };
    steps.push(k.set(best, k.unary("abs", load(a, [j, j]))));
    steps.push(k.set(row, indexOf(j)));
    loopOver(
      context,
      steps,
      n,
      (i, inner) => {
        const size = context.bind(inner, "size", k.unary("abs", load(a, [i, j])));
        inner.push(k.when(k.gt(size, k.get(best)), [k.set(best, size), k.set(row, indexOf(i))]));
      },
      { from: shift(j, 1) },
    );
    const swaps: Stmt[] = [];
    for (const x of b === undefined ? [a] : [a, b]) {
      loopsOver(context, swaps, [x.shape[1]], ([c], inner) => {
        const kept = context.bind(inner, "kept", load(x, [j, c]));
        inner.push(store(x, [j, c], load(x, [rowIndex, c])));
        inner.push(store(x, [rowIndex, c], kept));
      });
    }
    steps.push(k.when(k.binary("ne", k.get(row), indexOf(j)), swaps));
    const pivot = context.bind(steps, "pivot", load(a, [j, j]));
    // False for NaN.
    const magnitude = k.unary("abs", pivot);
    const usable = k.and(k.gt(magnitude, zero), k.lt(magnitude, k.f64(Number.POSITIVE_INFINITY)));
    const eliminate: Stmt[] = [];
    loopOver(
      context,
      eliminate,
      n,
      (i, inner) => {
        const factor = context.bind(inner, "factor", k.div(load(a, [i, j]), pivot));
        loopOver(
          context,
          inner,
          n,
          (c, update) => {
            const rest = k.sub(load(a, [i, c]), k.mul(factor, load(a, [j, c])));
            update.push(store(a, [i, c], rest));
          },
          { from: shift(j, 1), parallel: true },
        );
        if (b !== undefined) subtractRow(context, inner, b, i, j, factor);
      },
      { from: shift(j, 1) },
    );
    steps.push(k.when(usable, eliminate, [k.set(good, k.i32(0))]));
  });
  return k.get(good);
}

function indexOf(a: Affine): Expr {
  return a.terms[0].of.expr;
}

/** X with A X = B, all NaN where A is singular; `work` has A's shape. */
export function emitSolve(
  context: FunctionContext,
  code: Stmt[],
  a: ArrayRef,
  b: ArrayRef,
  x: ArrayRef,
  work: ArrayRef,
): void {
  emitCopy(context, code, a, work);
  emitCopy(context, code, b, x);
  const good = emitElimination(context, code, work, x);
  const n = a.shape[0];
  loopOver(
    context,
    code,
    n,
    (i, rows) => {
      subtractRows(context, rows, x, i, { from: shift(i, 1) }, (p) => load(work, [i, p]));
      divideRow(context, rows, x, i, load(work, [i, i]));
    },
    { down: true },
  );
  fillIf(context, code, k.unary("eqz", good), x);
}

/** `log |det A|`, −∞ where A is singular; `work` has A's shape. */
export function emitLogAbsDet(
  context: FunctionContext,
  code: Stmt[],
  a: ArrayRef,
  work: ArrayRef,
): Expr {
  emitCopy(context, code, a, work);
  emitElimination(context, code, work, undefined);
  return dot(context, code, a.shape[0], {}, (i) =>
    k.call("log", [k.unary("abs", load(work, [i, i]))]),
  );
}
