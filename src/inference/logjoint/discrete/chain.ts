/**
 * The forward pass of chains: log Σ_z exp(Σ_t U_t(z_t) + Σ_t W_t(z_t, z_{t+1})), N·K² operations
 * (Rabiner 1989, section III.A). Messages are kept in logs; one step multiplies their exponentials,
 * shifted by the largest, with the exponentials of W, so that K² multiplications and 2K
 * transcendentals are done rather than K².
 */
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node } from "../../../tensor/ops.js";

export interface Chains {
  readonly length: number;
  /** Log potentials of single elements, `[length, chains, K]`. */
  readonly single: Node;
  /** Of neighbours: `[K, K]` where all steps share them, else `[length − 1, chains, K, K]`. */
  readonly pair: Node;
}

/** Log sums of the chains, `[chains]`. */
export function forward(g: GraphBuilder, { length, single, pair }: Chains): Node {
  const [, chains, values] = single.shape;
  const first = g.at(single, 0, 0);
  const isShared = pair.shape.length === 2;
  const weights = g.exp(pair);
  const rest = g.slice(single, [1, 0, 0], [length - 1, chains, values]);
  const { carry } = g.scan(
    {
      length: length - 1,
      init: [first],
      xs: isShared ? [rest] : [rest, weights],
      consts: isShared ? [weights] : [],
    },
    (b, [message], [own, stepWeights], [sharedWeights]) => {
      const largest = b.reduceMax(message, [1]);
      const shift = b.select(b.lt(b.abs(largest), Number.POSITIVE_INFINITY), largest, 0);
      const scaled = b.exp(b.sub(message, b.unreduce(shift, message, [1])));
      const product = isShared
        ? b.matmul(scaled, sharedWeights)
        : b.reshape(b.matmul(b.reshape(scaled, [chains, 1, values]), stepWeights), [
            chains,
            values,
          ]);
      // A state that nothing reaches has log 0; its gradient must be 0 and not 0 · ∞.
      const reached = b.gt(product, 0);
      const logs = b.select(
        reached,
        b.log(b.select(reached, product, b.ones(product.shape))),
        b.full(product.shape, Number.NEGATIVE_INFINITY),
      );
      const next = b.add(b.add(logs, b.unreduce(shift, message, [1])), own);
      return { carry: [next], ys: [] };
    },
  );
  return g.logsumexp(carry[0], [1]);
}
