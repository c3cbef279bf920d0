/**
 * Automatic guides: families of distributions over the unconstrained position. Each is a pair of
 * graphs, a draw z = f(φ, ε) from standard normals ε and its log density.
 */
import type { RandomStream } from "../../../math/rng/random.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";

/** Where a guide starts: a point and a spread around it. */
export interface GuideStart {
  readonly center: Float64Array;
  /** Of each coordinate. */
  readonly scale: Float64Array;
  /** Lower factor of a covariance, row-major, where one is known. */
  readonly factor?: Float64Array;
}

export interface Guide {
  /** Length of φ. */
  readonly params: number;
  /** Length of ε. */
  readonly noise: number;
  /**
   * The draw, and its log density. `frozen` is φ again, through which no gradient flows: where the
   * density can be written as a function of z and `frozen`, the gradient of the bound has no
   * variance once the guide is the posterior (Roeder, Wu & Duvenaud 2017, "Sticking the landing").
   */
  readonly build: (
    g: GraphBuilder,
    phi: Node,
    frozen: Node,
    eps: Node,
  ) => { readonly z: Node; readonly logDensity: Node };
  readonly start: (at: GuideStart, rng: RandomStream) => Float64Array;
}

export const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);
