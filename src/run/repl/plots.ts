/** What `plot` shows of each kind of value. */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import { elementCount, elementName, unravel } from "../../model/data.js";
import type * as ast from "../../syntax/ast.js";
import { histogram, type Interval, intervals, points } from "../pictures/characters.js";
import { pictureOf } from "../pictures/of-fit.js";
import { textOf as pictureText } from "../pictures/text.js";
import { type Cx, close, drawsOf, evaluate, evaluateNumber } from "./evaluate.js";
import { evaluateTyped, sampleDist, textOf, typeOf } from "./language.js";
import { elementsOf, quantileOf } from "./over-draws.js";
import { arrayOfData, type DrawsValue, dimsOf, type NumberValue, valueWords } from "./values.js";

/** Rows of intervals that are shown. */
const MOST_ROWS = 40;

/**
 * @param word the `kind` that was asked for
 * @throws TildeError where there is no picture of these values
 */
export async function plotOf(
  cx: Cx,
  list: readonly ast.Expr[],
  word: unknown,
  span: Span,
): Promise<string> {
  const [first, second] = list;
  const v = await evaluate(cx, first);
  const own = ["histogram", "intervals", "trace", "points"];
  if (word !== undefined && v.kind !== "fit" && !own.includes(String(word))) {
    const wanted = "`kind: histogram`, `intervals`, `trace` or `points`";
    fail("session_values", span, { text: textOf(span), wanted });
  }
  if (v.kind === "fit") {
    if (word !== undefined && word !== "intervals") {
      // The kinds of `tilde plot`, which says what there is where there is no such one.
      const vars = list.length === 1 ? undefined : list.slice(1).map((e) => textOf(e.span));
      return pictureText(pictureOf(v.posterior, String(word), vars));
    }
    const names = list.length === 1 ? v.posterior.names : list.slice(1).map((e) => textOf(e.span));
    const known = new Set(v.posterior.names);
    for (const [k, name] of names.entries()) {
      if (known.has(name)) continue;
      const what = { text: textOf(first.span), what: valueWords.fit, name, near: [] };
      fail("session_member", list[k + 1].span, { ...what, known: [...known].join(", ") });
    }
    return intervals(
      names.flatMap((name) => {
        const draws = drawsOf(v, name);
        return rowsOf(name, draws);
      }),
    );
  }
  if (v.kind === "predictions") {
    return intervals([...v.variables].flatMap(([name, draws]) => rowsOf(name, draws)));
  }
  if (v.kind === "dist") return await curve(cx, first);
  if (v.kind !== "array" && v.kind !== "draws") {
    const wanted = "draws, data, a fit or a distribution";
    return fail("session_kind", first.span, {
      text: textOf(first.span),
      what: valueWords[v.kind],
      wanted,
    });
  }
  if (second !== undefined) {
    const [x, y] = [flat(v), flat(await evaluateNumber(cx, second))];
    if (x.length !== y.length) {
      const wanted = `of ${x.length} elements, as \`${textOf(first.span)}\` is`;
      fail("session_values", second.span, { text: textOf(second.span), wanted });
    }
    return points(x, y);
  }
  const isWhole = v.scalar !== "real";
  const isVector = dimsOf(v).length > 0;
  if (word === "points" || word === "trace") {
    const y = word === "trace" && v.kind === "draws" && isVector ? v.draws.data : flat(v);
    return points(
      Array.from(y, (_, k) => k),
      y,
    );
  }
  if (v.kind === "draws" && isVector && word !== "histogram") {
    return intervals(rowsOf(textOf(first.span), v));
  }
  return histogram(flat(v), isWhole);
}

function flat(v: NumberValue): Float64Array {
  return v.kind === "array" ? v.value.data : v.draws.data;
}

function rowsOf(name: string, v: NumberValue): Interval[] {
  const dims = dimsOf(v);
  const columns =
    v.kind === "draws" ? elementsOf(v) : Array.from(v.value.data, (x) => Float64Array.of(x));
  const rows: Interval[] = [];
  for (const x of columns) {
    if (rows.length === MOST_ROWS) break;
    const sorted = x.slice().sort();
    const [a, b, c, d, e] = [0.05, 0.25, 0.5, 0.75, 0.95].map((p) => quantileOf(sorted, p));
    const row = elementName(name, unravel(rows.length, dims));
    rows.push({ name: row, quantiles: [a, b, c, d, e] });
  }
  if (elementCount(dims) > MOST_ROWS) {
    const nan = Number.NaN;
    rows.push({ name: `… ${elementCount(dims)} in all`, quantiles: [nan, nan, nan, nan, nan] });
  }
  return rows;
}

/** Draws that the range of a distribution is found from. */
const SCOUTS = 2000;

/** The density of a distribution of one number, or the probabilities of whole numbers. */
async function curve(cx: Cx, e: ast.Expr): Promise<string> {
  const { expr, inputs } = await close(cx, e);
  const typed = typeOf(cx, expr, inputs);
  if (typed.kind === "number")
    return fail("session_values", e.span, { text: textOf(e.span), wanted: valueWords.dist });
  const { dist } = typed;
  if (dist.event.dims.length > 0 || [...inputs.values()].some((v) => v.kind === "draws")) {
    const wanted = "a distribution of one number with known parameters";
    fail("session_values", e.span, { text: textOf(e.span), wanted });
  }
  const scouts: DrawsValue = await sampleDist(cx, typed, inputs, SCOUTS, cx.workspace.seed);
  const sorted = scouts.draws.data.slice().sort();
  if (dist.event.scalar !== "real") {
    return histogram((await sampleDist(cx, typed, inputs, 20_000, 1)).draws.data, true);
  }
  // Heavy tails would leave the bulk in a corner.
  const at10 = quantileOf(sorted, 0.1);
  const at90 = quantileOf(sorted, 0.9);
  const low = Math.max(quantileOf(sorted, 0.003), 2 * at10 - at90);
  const high = Math.min(quantileOf(sorted, 0.997), 2 * at90 - at10);
  const grid = Float64Array.from({ length: 240 }, (_, k) => low + ((high - low) * k) / 239);
  const at = arrayOfData({ dims: [grid.length], data: grid });
  const name = "(grid)";
  const span = e.span;
  const k: ast.Expr = { kind: "name", span, name: "(k)" };
  const number = (value: number): ast.Expr => ({ kind: "number", span, value, isInt: true });
  // [for k in 0..240: D.log_prob(grid[k])]
  const density: ast.Expr = {
    kind: "comprehension",
    span,
    binders: [{ span, variable: { text: "(k)", span }, from: number(0), to: number(grid.length) }],
    body: {
      kind: "call",
      span,
      callee: { kind: "member", span, target: expr, name: { text: "log_prob", span } },
      args: [
        {
          span,
          value: {
            kind: "index",
            span,
            target: { kind: "name", span, name },
            indices: [{ kind: "at", span, value: k }],
          },
        },
      ],
    },
  };
  const all = new Map([...inputs, [name, at] as const]);
  const found = typeOf(cx, density, all);
  if (found.kind === "dist")
    return fail("session_values", e.span, { text: textOf(e.span), wanted: "a density" });
  const values = await evaluateTyped(cx, found, all, []);
  return points(grid, flat(values).map(Math.exp));
}
