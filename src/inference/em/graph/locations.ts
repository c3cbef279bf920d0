/**
 * Several locations at the joint maximum of Q, as nodes (on the host: `em/least-squares.ts`). Q is
 * quadratic in them together, so its gradient is r − H x: r is the gradient at 0, the columns of H are
 * what it loses at the unit vectors, all at once as a batch.
 */
import { internalError } from "../../../base/internal.js";
import { batch } from "../../../passes/batch/index.js";
import { simplify } from "../../../passes/simplify/index.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Graph, Node } from "../../../tensor/ops.js";
import { graft } from "../../../tensor/transform.js";
import type { Statistic } from "../../expectation/contract.js";
import type { NodeOutcome } from "../maximise/nodes.js";
import { all } from "../maximise/nodes.js";
import { picked } from "./statistics.js";

/** Scalars of all locations, at most: the matrix of their curvature has so many rows. */
export const MOST_LOCATIONS = 512;

/** By how much the gradient at the maximum may miss 0, relative to that at 0. */
const MISS = { f64: 1e-6, f32: 1e-3 } as const;

/** The gradient of Q in all locations, `[P]`, over their values `x` and other inputs. */
export type LocationSlope = Graph;

/**
 * @param slope with an input `x`, and further ones
 * @param others what stands for these
 */
export function jointLocations(
  g: GraphBuilder,
  slope: LocationSlope,
  others: ReadonlyMap<string, Node>,
  isSingle: boolean,
): NodeOutcome {
  const own = simplify(slope);
  const x = own.inputs.find((n) => n.name === "x") ?? internalError("no locations");
  const [{ node }] = own.outputs;
  const [size] = x.shape;
  const shared = new Map(
    own.inputs.flatMap((n) => (n === x ? [] : [[n, others.get(n.name) ?? missing(n.name)]])),
  );
  const slopeAt = (at: Node): Node => graft(g, [node], new Map([...shared, [x, at]]))[0];
  const unit = Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const units = g.constant(unit, [size, size]);
  const right = slopeAt(g.zeros([size]));
  const [ahead] = batch(g, [node], size, new Map([[x, units]]), shared);
  const bend = g.sub(g.broadcast(right, [size, size], [1]), ahead);
  const curvature = g.mul(g.add(bend, g.transpose(bend)), 0.5);
  const l = g.cholesky(curvature);
  const half = g.triangularSolve(l, g.reshape(right, [size, 1]));
  const value = g.reshape(g.triangularSolve(l, half, true), [size]);
  const square = (v: Node): Node => g.sum(g.square(v));
  const miss = square(slopeAt(value));
  const limit = g.mul(square(right), (isSingle ? MISS.f32 : MISS.f64) ** 2);
  const isQuadratic = g.le(miss, limit);
  return { value, holds: g.and(isQuadratic, all(g, g.lt(g.abs(value), Infinity))) };
}

const missing = (name: string): never => internalError(`nothing stands for ${name}`);

/** J_T(v)ᵀ η of a location's statistic: `addStatisticGradient` as nodes. */
export function slopeNode(g: GraphBuilder, s: Statistic, eta: Node, v: Node): Node {
  if (s.kind === "value") return eta;
  if (s.kind === "power" && s.exponent === 2) return g.mul(g.mul(eta, v), 2);
  if (s.kind !== "products") return internalError(`${s.kind} of a location`);
  const part = (from: Int32Array, to: Int32Array): Node => {
    const at = g.constant(Float64Array.from(to), [to.length], "int");
    return g.scatterAdd(g.mul(eta, picked(g, v, from)), at, 0, v.shape);
  };
  return g.add(part(s.first, s.second), part(s.second, s.first));
}
