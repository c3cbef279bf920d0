/** How long an array is that statements define element by element: the union of their ranges. */
import type { Span } from "../base/span.js";
import type { Binder, Expr } from "../model/ir.js";
import {
  addSizes,
  constantSize,
  printSize,
  type Size,
  sizeConst,
  sizesEqual,
  subSizes,
} from "../model/size.js";
import { freeVariables } from "../model/traverse.js";
import { type Cx, quote } from "./context.js";
import type { Definition, Scope, VariableInfo } from "./scope.js";
import { affineIndex, toSize } from "./sizes.js";
import { areExclusive, scopeOf } from "./variables.js";

interface Range {
  readonly lo: Size;
  readonly hi: Size;
}
interface Box {
  readonly ranges: readonly Range[];
  readonly definition: Definition;
  /** Rows of different lengths, or a diagonal: the ranges are those of the smallest rectangle around. */
  readonly isPart: boolean;
}

/** One size an axis; undefined where there is none, which `loud` reports. */
export function findExtents(
  cx: Cx,
  v: VariableInfo,
  root: Scope,
  loud: boolean,
): readonly Size[] | undefined {
  if (v.rank === 0 && v.definitions.every((d) => d.branches.length === 0)) return [];
  const run = () => unionOfBoxes(cx, v, root);
  return loud ? run() : cx.reporter.quietly(run);
}

function unionOfBoxes(cx: Cx, v: VariableInfo, root: Scope): readonly Size[] | undefined {
  const boxes: Box[] = [];
  for (const d of v.definitions) {
    const box = boxOf(cx, v, d, root);
    if (box === undefined) return undefined;
    boxes.push(box);
  }
  if (boxes.some((b) => b.isPart)) return hullOf(boxes);
  for (const box of boxes) {
    if (hasPartner(box, boxes)) continue;
    return cx.reporter.report("one_branch", box.definition.stmt.target.span, { name: v.name });
  }
  const distinct = boxes.filter(
    (b, i) =>
      !boxes.slice(0, i).some((a) => areExclusive(a.definition, b.definition) && sameBox(a, b)),
  );
  for (const [i, b] of distinct.entries()) {
    const other = distinct.slice(0, i).find((a) => overlap(a, b));
    if (other === undefined) continue;
    const { span } = b.definition.stmt.target;
    return cx.reporter.report("defined_twice", span, { name: v.name, text: quote(span) }, [
      { span: other.definition.stmt.target.span, text: "some of these are defined here too" },
    ]);
  }
  const merged = mergeAll(distinct);
  const [only] = merged;
  const startsAtZero = only.ranges.every((r) => sizesEqual(r.lo, sizeConst(0)));
  if (merged.length === 1 && startsAtZero) return only.ranges.map((r) => r.hi);
  reportGap(cx, v, merged);
  return undefined;
}

/**
 * The rectangle around parts of arrays, such as triangles. That they fill it, each element once, is
 * known with the data and checked there. Of sizes that cannot be compared the first one counts.
 */
function hullOf(boxes: readonly Box[]): readonly Size[] {
  return boxes[0].ranges.map((_, axis) =>
    boxes
      .map((b) => b.ranges[axis].hi)
      .reduce((most, hi) => ((constantSize(subSizes(hi, most)) ?? 0) > 0 ? hi : most)),
  );
}

/** The elements that one statement defines. */
function boxOf(cx: Cx, v: VariableInfo, d: Definition, root: Scope): Box | undefined {
  const { target } = d.stmt;
  // Errors in bounds and indices are reported where the statement itself is elaborated.
  const found = cx.reporter.quietly(() =>
    cx.model.keepingNames(() => {
      const scope = scopeOf(cx, d, root);
      return scope && { scope, indices: target.indices.map((e) => cx.expr(e, scope)) };
    }),
  );
  if (found === undefined) return undefined;
  const loops = d.loops.map((loop) => {
    const entry = found.scope.lookup(loop.variable.text);
    return entry?.kind === "index" ? entry.binder : undefined;
  });
  const names = new Set(loops.flatMap((b) => b?.name ?? []));
  const used = new Set<string>();
  const ranges: Range[] = [];
  const isLet = v.role === "let";
  const mentioned = new Set(
    found.indices.flatMap((e) => (e === undefined ? [] : [...freeVariables(e)])),
  );
  const missesLoop = loops.some((b) => b !== undefined && !mentioned.has(b.name));
  let isPart = false;
  for (const [axis, e] of found.indices.entries()) {
    const isPosition = e?.type.scalar === "int" && e.type.dims.length === 0;
    if (e === undefined || !isPosition || cx.model.isRandom(e)) return undefined;
    const affine = affineIndex(e, names, cx.model);
    const { span } = target.indices[axis];
    const isAgain = affine?.variable !== undefined && used.has(affine.variable);
    if (affine === undefined || (isAgain && !isLet)) {
      return cx.reporter.report("target_index", span, { name: v.name, text: quote(span) });
    }
    const binder = loops.find((b) => b?.name === affine.variable);
    if (affine.variable === undefined || binder === undefined) {
      ranges.push({ lo: affine.shift, hi: addSizes(affine.shift, sizeConst(1)) });
      continue;
    }
    used.add(affine.variable);
    const from = toSize(binder.from, cx.model);
    const to = toSize(binder.to, cx.model);
    isPart ||= isAgain;
    // A loop that is missed is the greater fault, told of below.
    if (missesLoop || (!isRagged(cx, from, names) && !isRagged(cx, to, names))) {
      ranges.push(shifted(affine, from, to));
      continue;
    }
    const outer = loops.filter((b) => b !== undefined);
    const least = isLet ? extreme(cx, binder.from, outer, "least") : undefined;
    const most = isLet ? extreme(cx, binder.to, outer, "most") : undefined;
    if (least === undefined || most === undefined) {
      return cx.reporter.report("ragged", span, { name: v.name, text: quote(target.span), isLet });
    }
    isPart = true;
    ranges.push(shifted(affine, least, most));
  }
  const unused = d.loops.find((_, i) => loops[i] !== undefined && !used.has(loops[i].name));
  if (unused !== undefined) {
    return cx.reporter.report("target_misses_loop", target.span, {
      text: quote(target.span),
      variable: unused.variable.text,
    });
  }
  return { ranges, definition: d, isPart };
}

/** Whether a bound changes with the loops around it, also inside what is no sum of products. */
function isRagged(cx: Cx, bound: Size, loops: ReadonlySet<string>): boolean {
  const changes = (name: string): boolean => {
    const opaque = cx.model.opaqueSizes.get(name);
    if (loops.has(name)) return true;
    return opaque !== undefined && [...freeVariables(opaque)].some(changes);
  };
  return bound.terms.some((t) => t.names.some(changes));
}

/** The least or largest value that a bound may take over the loops around it, where it is known. */
function extreme(
  cx: Cx,
  e: Expr,
  loops: readonly Binder[],
  end: "least" | "most",
): Size | undefined {
  const names = new Set(loops.map((b) => b.name));
  const size = toSize(e, cx.model);
  if (!isRagged(cx, size, names)) return size;
  const isCut = e.kind === "call" && e.fn === (end === "most" ? "minimum" : "maximum");
  if (isCut) {
    // One of the two is a bound of both.
    const fixed = e.args.find((a) => !isRagged(cx, toSize(a, cx.model), names));
    return fixed && toSize(fixed, cx.model);
  }
  let total = sizeConst(0);
  for (const term of size.terms) {
    const one: Size = { terms: [term] };
    if (!isRagged(cx, one, names)) {
      total = addSizes(total, one);
      continue;
    }
    const binder = term.names.length === 1 && loops.find((b) => b.name === term.names[0]);
    if (!binder || Math.abs(term.coefficient) !== 1) return undefined;
    const isMost = term.coefficient > 0 === (end === "most");
    const limit = extreme(cx, isMost ? binder.to : binder.from, loops, isMost ? "most" : "least");
    if (limit === undefined) return undefined;
    const last = isMost ? subSizes(limit, sizeConst(1)) : limit;
    total = term.coefficient > 0 ? addSizes(total, last) : subSizes(total, last);
  }
  return total;
}

function shifted(
  affine: { readonly coefficient: number; readonly shift: Size },
  from: Size,
  to: Size,
): Range {
  if (affine.coefficient > 0) {
    return { lo: addSizes(affine.shift, from), hi: addSizes(affine.shift, to) };
  }
  const one = sizeConst(1);
  return {
    lo: addSizes(subSizes(affine.shift, to), one),
    hi: addSizes(subSizes(affine.shift, from), one),
  };
}

const sameRange = (a: Range, b: Range): boolean => sizesEqual(a.lo, b.lo) && sizesEqual(a.hi, b.hi);
const sameBox = (a: Box, b: Box): boolean => a.ranges.every((r, i) => sameRange(r, b.ranges[i]));

/** A definition in a branch has one in the other branch for the same elements. */
function hasPartner(box: Box, all: readonly Box[]): boolean {
  const innermost = box.definition.branches.at(-1);
  if (innermost === undefined) return true;
  return all.some(
    (o) =>
      sameBox(o, box) &&
      o.definition.branches.some((b) => b.stmt === innermost.stmt && b.then !== innermost.then),
  );
}

/** Certainly some element in common (ranges that begin or end together are taken as not empty). */
function overlap(a: Box, b: Box): boolean {
  return a.ranges.every((r, i) => {
    const s = b.ranges[i];
    if (sizesEqual(r.lo, s.lo) || sizesEqual(r.hi, s.hi)) return true;
    const ab = constantSize(subSizes(s.hi, r.lo));
    const ba = constantSize(subSizes(r.hi, s.lo));
    return ab !== undefined && ba !== undefined && ab > 0 && ba > 0;
  });
}

/** Joins boxes that touch along one axis and agree on the others, until none do. */
function mergeAll(boxes: readonly Box[]): Box[] {
  const list = [...boxes];
  for (let changed = true; changed; ) {
    changed = false;
    search: for (let i = 0; i < list.length; i++) {
      for (let j = 0; j < list.length; j++) {
        const merged = i === j ? undefined : merge(list[i], list[j]);
        if (merged === undefined) continue;
        list[i] = merged;
        list.splice(j, 1);
        changed = true;
        break search;
      }
    }
  }
  return list;
}

function merge(a: Box, b: Box): Box | undefined {
  const differing = a.ranges.flatMap((r, i) => (sameRange(r, b.ranges[i]) ? [] : [i]));
  if (differing.length !== 1) return undefined;
  const [axis] = differing;
  if (!sizesEqual(a.ranges[axis].hi, b.ranges[axis].lo)) return undefined;
  const joined = { lo: a.ranges[axis].lo, hi: b.ranges[axis].hi };
  return { ...a, ranges: a.ranges.map((r, i) => (i === axis ? joined : r)) };
}

function reportGap(cx: Cx, v: VariableInfo, boxes: readonly Box[]): void {
  const [first, second] = [...boxes].sort((a, b) => startOf(a) - startOf(b));
  const span: Span = first.definition.stmt.target.span;
  const axis = Math.max(
    0,
    first.ranges.findIndex((r) => !sizesEqual(r.lo, sizeConst(0))),
  );
  const { lo } = first.ranges[axis];
  if (!sizesEqual(lo, sizeConst(0))) {
    const negative = (constantSize(lo) ?? 0) < 0;
    if (negative) {
      cx.reporter.report("target_negative", span, { name: v.name, first: printSize(lo) });
      return;
    }
    const count = printSize(lo);
    cx.reporter.report("gap_at_start", span, { name: v.name, count, isSite: v.role === "site" });
    return;
  }
  const other = second ?? first;
  const at = other.ranges.findIndex((r, i) => !sameRange(r, first.ranges[i]));
  const shown = Math.max(0, at);
  cx.reporter.report(
    "gap",
    other.definition.stmt.target.span,
    {
      name: v.name,
      firstEnd: printSize(first.ranges[shown].hi),
      secondStart: printSize(other.ranges[shown].lo),
    },
    [{ span, text: "the other elements are defined here" }],
  );
}

/** Boxes that begin at a known place first, in order. */
function startOf(b: Box): number {
  return b.ranges.reduce((sum, r) => sum + (constantSize(r.lo) ?? 1e9), 0);
}
