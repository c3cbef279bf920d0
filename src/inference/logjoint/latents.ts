/**
 * Latent sites and params: which elements are latent, where they stand in the unconstrained and
 * in the constrained vector, and their values from either.
 */
import { internalError } from "../../base/internal.js";
import type { Expr, Support, Variable } from "../../model/ir.js";
import { dependsOnRandom, randomNames, supportExprs } from "../../model/traverse.js";
import { type Conditioned, concreteDims } from "../../passes/condition/index.js";
import type { Node } from "../../tensor/ops.js";
import { bijectorOf, bijectors } from "../bijectors/index.js";
import { axisSizes, type Context, eventRank, expand } from "./context.js";
import type { Lowerer } from "./lowerer.js";
import type { ArrayShape, Piece } from "./pieces.js";
import type { Definition } from "./scopes.js";

/** A site or param with at least one latent element. */
export interface LatentVariable {
  readonly name: string;
  readonly variable: Variable;
  readonly dims: readonly number[];
  /** Row-major positions of its latent scalars; undefined where all are latent. */
  readonly elements?: Float64Array;
  /** Where its scalars start in the constrained vector, and how many they are. */
  readonly offset: number;
  readonly length: number;
}

export function shapeOf(conditioned: Conditioned, v: Variable): ArrayShape {
  const dims = concreteDims(conditioned, v.type.dims);
  const split = dims.length - v.eventRank;
  return {
    name: v.name,
    span: v.span,
    scalar: v.type.scalar,
    batch: dims.slice(0, split),
    event: dims.slice(split),
  };
}

/** Continuous latent variables in the order of the model's declarations. */
export function latentVariables(conditioned: Conditioned): LatentVariable[] {
  const found: LatentVariable[] = [];
  let offset = 0;
  for (const variable of conditioned.model.variables) {
    if (variable.role === "let" || isDiscrete(variable.support)) continue;
    const dims = concreteDims(conditioned, variable.type.dims);
    const total = dims.reduce((n, d) => n * d, 1);
    const given = variable.role === "site" ? conditioned.observed.get(variable.name) : undefined;
    if (given !== undefined && given.missing === undefined) continue;
    const elements = given?.missing === undefined ? undefined : onesOf(given.missing);
    const length = elements?.length ?? total;
    if (length === 0) continue;
    found.push({ name: variable.name, variable, dims, elements, offset, length });
    offset += length;
  }
  return found;
}

function onesOf(flags: Uint8Array): Float64Array {
  const at: number[] = [];
  flags.forEach((f, i) => {
    if (f === 1) at.push(i);
  });
  return Float64Array.from(at);
}

/**
 * Latent sites whose values no table can list: counts, whole numbers, and ranges whose ends depend on
 * a latent quantity. Their scalars stand behind `width` continuous ones.
 */
export function countVariables(conditioned: Conditioned, width: number): LatentVariable[] {
  const random = randomNames(conditioned.model);
  const found: LatentVariable[] = [];
  let offset = width;
  for (const variable of conditioned.model.variables) {
    if (variable.role !== "site" || conditioned.observed.has(variable.name)) continue;
    if (variable.eventRank > 0 || !isEndless(variable.support, random)) continue;
    const dims = concreteDims(conditioned, variable.type.dims);
    const length = dims.reduce((n, d) => n * d, 1);
    if (length === 0) continue;
    found.push({ name: variable.name, variable, dims, offset, length });
    offset += length;
  }
  return found;
}

function isEndless(support: Support, random: ReadonlySet<string>): boolean {
  switch (support.kind) {
    case "int":
    case "count":
      return true;
    case "integers":
    case "category":
      return supportExprs(support).some((e) => dependsOnRandom(e, random));
    default:
      return false;
  }
}

export function isDiscrete(support: Support): boolean {
  return bijectors[support.kind] === "discrete";
}

/** The variable's whole array from the constrained vector `values` and the observed entries. */
export function fromConstrained(l: Lowerer, latent: LatentVariable, values: Node): Node {
  const slice = l.g.slice(values, [latent.offset], [latent.length]);
  const own = latent.variable.type.scalar === "real" ? slice : l.g.trunc(slice);
  const { elements } = latent;
  if (elements === undefined) return l.g.reshape(own, latent.dims);
  const given = l.conditioned.observed.get(latent.name);
  if (given === undefined) return internalError(`${latent.name} is not observed in part`);
  const source = Float64Array.from({ length: given.data.length }, (_, i) => i);
  elements.forEach((position, k) => {
    source[position] = given.data.length + k;
  });
  const known = l.g.constant(zeroWhere(given.data, elements), [given.data.length]);
  const all = l.g.concat([known, own], 0);
  const whole = l.g.gather(all, l.g.constant(source, [source.length], "int"), 0);
  return l.g.reshape(whole, latent.dims);
}

/** Missing entries are NaN in the data; the graph must not see those. */
function zeroWhere(data: Float64Array, positions: Float64Array): Float64Array {
  const out = data.slice();
  for (const p of positions) out[p] = 0;
  return out;
}

/** Takes slices off the unconstrained vector one after another. */
export interface FreeVector {
  readonly take: (length: number) => Node;
}

export interface TransformedPiece extends Piece {
  readonly logDet: Node;
}

/**
 * The values of one defining statement: its observed elements as they are, its latent ones by the
 * bijector of the support.
 */
export function transformPiece(
  l: Lowerer,
  definition: Definition,
  variable: Variable,
  shape: ArrayShape,
  positions: Float64Array,
  context: Context,
  free: FreeVector,
): TransformedPiece {
  const eventSize = shape.event.reduce((n, d) => n * d, 1);
  const support = supportOf(definition, variable);
  const count = positions.length;
  const given = variable.role === "site" ? l.conditioned.observed.get(shape.name) : undefined;
  const all = count * eventSize;
  const known = new Float64Array(all);
  /** The latent ones, where some are given. */
  const places: number[] = [];
  if (given !== undefined) {
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < eventSize; k++) {
        const at = positions[i] * eventSize + k;
        if (given.missing?.[at] === 1) places.push(i * eventSize + k);
        else known[i * eventSize + k] = given.data[at];
      }
    }
  }
  const latent = given === undefined ? all : places.length;
  const constant = (): Node => l.g.constant(known, [count, eventSize]);
  if (latent === 0) return { positions, values: constant(), logDet: l.g.constant(0) };

  // Below the return: whole numbers that are given have no bijector, and need none.
  const bijector = bijectorOf(support.kind);
  const at = Float64Array.from(places);
  let flat: Node;
  let logDet: Node;
  if (bijector.eventRank === 0) {
    const bound = (e: Expr | undefined): Node | undefined => {
      const full = e === undefined ? undefined : boundOver(l, e, shape, context);
      if (full === undefined || full.shape.length === 0 || latent === all) return full;
      return l.g.gather(full, l.g.constant(at, [at.length], "int"), 0);
    };
    const bounds =
      support.kind === "interval"
        ? { lower: bound(support.lower), upper: bound(support.upper) }
        : {};
    const made = bijector.forward(l.g, free.take(latent), 1, bounds);
    flat = made.value;
    logDet = made.logDet;
  } else {
    const size = shape.event[shape.event.length - 1];
    const perEvent = bijector.free(size);
    // A declared array of simplexes has further event dims in front of the support's own.
    const unit = bijector.eventRank === 1 ? size : size * size;
    const n = latent / unit;
    const u = l.g.reshape(free.take(n * perEvent), [n, perEvent]);
    const made = bijector.forward(l.g, u, size, {});
    flat = l.g.reshape(made.value, [latent]);
    logDet = made.logDet;
  }
  if (latent < all) {
    const source = Float64Array.from({ length: all }, (_, i) => i);
    places.forEach((position, k) => {
      source[position] = all + k;
    });
    const both = l.g.concat([l.g.reshape(constant(), [all]), flat], 0);
    flat = l.g.gather(both, l.g.constant(source, [all], "int"), 0);
  }
  return { positions, values: l.g.reshape(flat, [count, eventSize]), logDet };
}

/** The support that one statement draws from: its own bounds, or the declared narrower one. */
export function supportOf(definition: Definition, variable: Variable): Support {
  const { stmt } = definition;
  return stmt.kind === "site" && !stmt.restricted ? stmt.dist.support : variable.support;
}

/** A bound for every scalar of the statement, `[count · eventSize]`, or rank 0 where shared. */
function boundOver(l: Lowerer, e: Expr, shape: ArrayShape, context: Context): Node {
  const v = l.lower(e, context);
  if (v.node.shape.length === 0) return v.node;
  const extra = eventRank(v) < shape.event.length ? shape.event : [];
  const full = expand(l.g, v, context.axes, extra);
  const total = [...axisSizes(context.axes), ...shape.event].reduce((n, d) => n * d, 1);
  return l.g.reshape(full, [total]);
}
