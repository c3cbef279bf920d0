/**
 * Arrays defined piece by piece (`z[0] ~ …`, then `z[t] ~ …` in a loop): the pieces, and how they
 * become one array.
 */
import { fail } from "../../base/diagnostic.js";
import type { Span } from "../../base/span.js";
import { elementName, unravel } from "../../model/data.js";
import type { Expr } from "../../model/ir.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { DType, Node } from "../../tensor/ops.js";
import { type Context, eventRank, expand } from "./context.js";
import type { Lowerer } from "./lowerer.js";

/** Values `[count, eventSize]` for the elements at `positions` among the loop dims. */
export interface Piece {
  readonly positions: Float64Array;
  readonly values: Node;
}

export interface ArrayShape {
  readonly name: string;
  readonly span: Span;
  readonly scalar: DType;
  /** Loop dims, then event dims. */
  readonly batch: readonly number[];
  readonly event: readonly number[];
}

const product = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

/** Which elements the pieces define; reports one that is defined twice. */
export function definedElements(shape: ArrayShape, pieces: readonly Piece[]): Uint8Array {
  const defined = new Uint8Array(product(shape.batch));
  for (const { positions } of pieces) {
    for (const p of positions) {
      if (defined[p] === 1) {
        const element = elementName(shape.name, unravel(p, shape.batch));
        fail("element_defined_twice", shape.span, { element });
      }
      defined[p] = 1;
    }
  }
  return defined;
}

/** The whole array; an element that no piece defines is an error. */
export function assemble(l: Lowerer, shape: ArrayShape, pieces: readonly Piece[]): Node {
  const defined = definedElements(shape, pieces);
  const gap = defined.indexOf(0);
  if (gap >= 0) {
    const element = elementName(shape.name, unravel(gap, shape.batch));
    fail("element_undefined", shape.span, { element });
  }
  return assemblePartly(l.g, shape, pieces);
}

/** The same with zeros where no piece defines an element. */
export function assemblePartly(g: GraphBuilder, shape: ArrayShape, pieces: readonly Piece[]): Node {
  const count = product(shape.batch);
  const eventSize = product(shape.event);
  const parts: Node[] = pieces.map((p) => p.values);
  const source = new Float64Array(count).fill(-1);
  let next = 0;
  for (const { positions } of pieces) for (const p of positions) source[p] = next++;
  if (source.includes(-1)) {
    parts.push(g.zeros([1, eventSize]));
    for (let i = 0; i < count; i++) if (source[i] < 0) source[i] = next;
  }
  const whole = [...shape.batch, ...shape.event];
  if (parts.length === 0) return g.zeros(whole);
  const all = parts.length === 1 ? parts[0] : g.concat(parts, 0);
  const inOrder = source.every((s, i) => s === i) && all.shape[0] === count;
  const ordered = inOrder ? all : g.gather(all, g.constant(source, [count], "int"), 0);
  return g.reshape(ordered, whole);
}

/** The elements at `positions` of an array, `[count, …event]`. */
export function elementsAt(
  l: Lowerer,
  array: Node,
  shape: ArrayShape,
  positions: Float64Array,
): Node {
  const flat = l.g.reshape(array, [product(shape.batch), ...shape.event]);
  const consecutive = positions.every((p, i) => p === positions[0] + i);
  if (consecutive && positions.length > 0) {
    const rest = shape.event.map(() => 0);
    return l.g.slice(flat, [positions[0], ...rest], [positions.length, ...shape.event]);
  }
  return l.g.gather(flat, l.g.constant(positions, [positions.length], "int"), 0);
}

/** An expression over every loop of the context; a scalar fills an array-valued let. */
export function valueOver(l: Lowerer, e: Expr, context: Context, event: readonly number[]): Node {
  const v = l.lower(e, context);
  const extra = eventRank(v) < event.length ? event : [];
  return expand(l.g, v, context.axes, extra);
}
