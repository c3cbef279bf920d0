/**
 * What an objective says of values of draws beside their densities: `let x: real[n] = y.x` and then
 * any function of x. Where the objective is linear in its densities the rest is taken apart into sums,
 * and a site answers for the terms that read it, copy by copy and element by element where no
 * operation brings elements together.
 */
import { fail } from "../../base/diagnostic.js";
import type { Evaluation } from "../../model/objective.js";
import { batch } from "../../passes/batch/index.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import { inputsOf, substitute } from "../../tensor/transform.js";
import { operandsOf } from "../../tensor/traverse.js";
import { collectStatements } from "../logjoint/scopes.js";
import type { Parts, SiteOfDraw } from "./costs.js";
import { dependences, mixedSites } from "./dependence.js";
import type { Trace } from "./programs.js";

/** The sum over all elements of `node`, times `scale`. */
interface RestTerm {
  readonly node: Node;
  readonly scale: number;
  readonly inputs: ReadonlySet<Node>;
}

export interface Rest {
  readonly terms: readonly RestTerm[];
  /** The inputs that stand for values of sites, by the names of their evaluations. */
  readonly places: ReadonlyMap<string, InputNode>;
}

/** More terms than these are taken as one. */
const mostTerms = 1000;

/**
 * The part of `value` that is no density.
 * @param densities the inputs that stand for densities, in which `value` is linear
 */
export function restOf(
  g: GraphBuilder,
  value: Node,
  densities: ReadonlyMap<string, InputNode>,
  places: ReadonlyMap<string, InputNode>,
): Rest {
  if (places.size === 0) return { terms: [], places };
  const zeros = new Map<Node, Node>([...densities.values()].map((n) => [n, g.zeros(n.shape)]));
  const [rest] = substitute(g, [value], zeros);
  const found: { node: Node; scale: number }[] = [];
  split(rest, 1, found);
  const all = found.length > mostTerms ? [{ node: rest, scale: 1 }] : found;
  return { terms: all.map((t) => ({ ...t, inputs: new Set(inputsOf([t.node])) })), places };
}

const sizeOf = (n: Node): number => n.shape.reduce((s, d) => s * d, 1);

/** Terms whose sums over all elements add up to that of `n`. */
function split(n: Node, scale: number, into: { node: Node; scale: number }[]): void {
  if (into.length > mostTerms) return;
  const parts = partsOf(n);
  if (parts === undefined) into.push({ node: n, scale });
  else for (const [x, factor] of parts) split(x, scale * factor, into);
}

/** Nodes with factors whose sums add up to that of `n`; undefined where it is no sum. */
function partsOf(n: Node): readonly (readonly [Node, number])[] | undefined {
  switch (n.op) {
    case "unary":
      return n.fn === "neg" ? [[n.x, -1]] : undefined;
    case "binary": {
      if (n.fn === "add" || n.fn === "sub") {
        return [
          [n.x, 1],
          [n.y, n.fn === "add" ? 1 : -1],
        ];
      }
      const [a, b] = [uniformValue(n.x), uniformValue(n.y)];
      if (n.fn === "mul" && a !== undefined) return [[n.y, a]];
      if (n.fn === "mul" && b !== undefined) return [[n.x, b]];
      return n.fn === "div" && b !== undefined ? [[n.x, 1 / b]] : undefined;
    }
    case "reduce":
      return n.fn === "sum" ? [[n.x, 1]] : undefined;
    case "reshape":
    case "transpose":
      return [[n.x, 1]];
    case "broadcast":
      return sizeOf(n.x) === 0 ? undefined : [[n.x, sizeOf(n) / sizeOf(n.x)]];
    default:
      return undefined;
  }
}

/** Along which axis of a node each label runs, −1 where elements meet; undefined: it has none. */
type Axes = readonly number[] | undefined;

function merged(all: readonly Axes[]): Axes {
  const known = all.filter((a) => a !== undefined);
  if (known.length === 0) return undefined;
  return known[0].map((axis, k) => (known.every((a) => a[k] === axis) ? axis : -1));
}

const mixed = (axes: Axes): Axes => axes?.map(() => -1);
const moved = (axes: Axes, f: (axis: number) => number): Axes =>
  axes?.map((a) => (a < 0 ? -1 : f(a)));

/** The axis of `to` that has the same place and length as one of `from`, row by row. */
function reshapedAxis(from: readonly number[], to: readonly number[], axis: number): number {
  const before = (dims: readonly number[], k: number): number =>
    dims.slice(0, k).reduce((n, d) => n * d, 1);
  const start = before(from, axis);
  return to.findIndex((d, k) => d === from[axis] && before(to, k) === start);
}

/** Follows labelled axes of inputs through the operations. */
function axesOf(n: Node, known: Map<Node, Axes>): Axes {
  if (known.has(n)) return known.get(n);
  const at = (x: Node): Axes => axesOf(x, known);
  const found = ((): Axes => {
    switch (n.op) {
      case "const":
      case "input":
        return undefined;
      case "unary":
        return at(n.x);
      case "binary":
        return merged([at(n.x), at(n.y)]);
      case "ternary":
        return merged([at(n.x), at(n.y), at(n.z)]);
      case "broadcast":
        return moved(at(n.x), (a) => n.axes[a]);
      case "reshape":
        return moved(at(n.x), (a) => reshapedAxis(n.x.shape, n.shape, a));
      case "transpose":
        return moved(at(n.x), (a) => n.perm.indexOf(a));
      case "slice":
      case "pad":
        return moved(at(n.x), (a) => (n.shape[a] === n.x.shape[a] ? a : -1));
      case "concat":
        return moved(merged(n.xs.map(at)), (a) => (a === n.axis ? -1 : a));
      case "gather": {
        const [x, indices] = [at(n.x), at(n.indices)];
        if (x !== undefined && indices !== undefined) return mixed(x);
        const more = n.indices.shape.length - 1;
        const own = moved(x, (a) => (a === n.axis ? -1 : a < n.axis ? a : a + more));
        return own ?? moved(indices, (a) => n.axis + a);
      }
      case "reduce":
        return moved(at(n.x), (a) =>
          n.axes.includes(a) ? -1 : a - n.axes.filter((b) => b < a).length,
        );
      case "cumulative":
        return moved(at(n.x), (a) => (a === n.axis ? -1 : a));
      case "matmul": {
        const rank = n.shape.length;
        const side = (x: Node, summed: number): Axes => {
          const own = x.shape.length;
          return moved(at(x), (a) => (a === own - summed ? -1 : a + rank - own));
        };
        return merged([side(n.x, 1), side(n.y, 2)]);
      }
      default:
        return mixed(merged(operandsOf(n).map(at)));
    }
  })();
  known.set(n, found);
  return found;
}

export interface RestCost {
  /** Of the shape that is asked for. */
  readonly cost: Node;
  readonly isApart: boolean;
}

/**
 * The terms that depend on a site, at the values of `trace`, in the shape `copies` or, with `plate`,
 * `copies ++ [plate]`; undefined where a term brings copies together.
 * @param sites the site and those that depend on it
 * @param lead how many axes of copies the trace has in front of the draw's own: none or one
 */
export function restCost(
  parts: Parts,
  s: SiteOfDraw,
  trace: Trace,
  sites: ReadonlySet<string>,
  plate: number | undefined,
  lead: number,
): RestCost | undefined {
  const { g, objective, rest } = parts;
  const counts = trace.copies.loops.map((b) => b.count);
  const shape = plate === undefined ? counts : [...counts, plate];
  let cost: Node = shape.length === 0 ? g.constant(0) : g.zeros(shape);
  let isApart = true;
  if (rest === undefined) return { cost, isApart };
  const rank = counts.length - lead;
  const labels = Array.from({ length: plate === undefined ? rank : rank + 1 }, (_, k) => k);
  const read = new Map<Node, Axes>();
  const now = new Map<InputNode, Node>();
  for (const e of objective.evaluations) {
    const place = rest.places.get(e.name);
    const site = e.reading?.site;
    if (place === undefined || site === undefined || e.draw !== s.draw.name) continue;
    if (!sites.has(site)) continue;
    const isOwn = place.shape[rank] === plate && isElement(s, site, sites);
    read.set(
      place,
      labels.map((k) => (k === rank && !isOwn ? -1 : k)),
    );
    const value = trace.values.get(site);
    if (value === undefined) continue;
    requireNumbers(e, site, place, value, rest);
    now.set(place, value);
  }
  for (const t of rest.terms) {
    const own = [...read.keys()].filter((place) => t.inputs.has(place));
    if (own.length === 0) continue;
    const known = new Map(own.map((place) => [place, read.get(place)] as const));
    const axes = axesOf(t.node, new Map<Node, Axes>(known)) ?? [];
    if (axes.slice(0, rank).some((a) => a < 0)) return undefined;
    const isOwn = plate !== undefined && axes[rank] >= 0;
    if (!isOwn) isApart = false;
    const kept = isOwn ? axes : axes.slice(0, rank);
    const [at] =
      lead === 0
        ? substitute(g, [t.node], new Map<Node, Node>(now))
        : batch(g, [t.node], counts[0], now);
    const front = Array.from({ length: lead }, (_, k) => k);
    const order = [...front, ...kept.map((a) => a + lead)];
    const others = at.shape.map((_, k) => k).filter((k) => !order.includes(k));
    const summed = others.length === 0 ? at : g.reduce("sum", at, others);
    const left = at.shape.map((_, k) => k).filter((k) => order.includes(k));
    const turned = g.transpose(
      summed,
      order.map((k) => left.indexOf(k)),
    );
    const full =
      turned.shape.length === shape.length
        ? turned
        : g.broadcast(
            turned,
            shape,
            counts.map((_, k) => k),
          );
    cost = g.add(cost, g.mul(t.scale, full));
  }
  return { cost, isApart };
}

/** Whether each element of a site depends on its own element of the sites alone. */
function isElement(s: SiteOfDraw, site: string, sites: ReadonlySet<string>): boolean {
  const { model } = s.program.conditioned;
  const kinds = dependences(model, sites, mixedSites(model, s.site));
  const { terms } = collectStatements(model);
  const own = terms.flatMap((t, k) =>
    t.stmt.kind === "site" && t.stmt.name === site ? [kinds[k]] : [],
  );
  return own.length > 0 && own.every((kind) => kind === "element");
}

/**
 * A relaxed bit or label in the place of a hard one is a number: sums and products have a value
 * there, conditions and indices have none.
 * @throws TildeError where the objective reads it as one of these
 */
export function requireNumbers(
  e: Evaluation,
  site: string,
  place: InputNode,
  value: Node,
  { terms }: Pick<Rest, "terms">,
): void {
  if (value.dtype !== "real" || place.dtype === "real") return;
  const seen = new Set<Node>();
  /** Whether the node is the place's own values, moved about. */
  const isPlace = (n: Node): boolean =>
    n === place ||
    ((n.op === "broadcast" || n.op === "reshape" || n.op === "transpose" || n.op === "slice") &&
      isPlace(n.x));
  const look = (n: Node): void => {
    if (seen.has(n)) return;
    seen.add(n);
    const isRead =
      (n.op === "ternary" && n.fn === "select" && isPlace(n.x)) ||
      (n.op === "gather" && isPlace(n.indices)) ||
      (n.op === "unary" && n.fn === "not" && isPlace(n.x)) ||
      (n.op === "binary" && (n.fn === "and" || n.fn === "or") && (isPlace(n.x) || isPlace(n.y)));
    if (isRead) fail("relaxed_reading", e.span, { site, text: e.name });
    for (const x of operandsOf(n)) look(x);
  };
  for (const t of terms) if (t.inputs.has(place)) look(t.node);
}
