/**
 * The forward pass of chains: log Σ_z exp(Σ_t U_t(z_t) + Σ_t W_t(z_t, z_{t+1})), N·K² operations
 * (Rabiner 1989, section III.A). Messages are kept in logs.
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

/** From this many values on, steps that share their table are matrix products. */
const PRODUCT_VALUES = 12;

/** Log sums of the chains, `[chains]`. */
export function forward(g: GraphBuilder, { length, single, pair }: Chains): Node {
  const [, chains, values] = single.shape;
  const first = g.at(single, 0, 0);
  const rest = g.slice(single, [1, 0, 0], [length - 1, chains, values]);
  const isShared = pair.shape.length === 2;
  const message =
    isShared && values >= PRODUCT_VALUES
      ? byProducts(g, first, rest, pair)
      : byLogs(g, first, rest, pair);
  return g.logsumexp(message, [1]);
}

/** The last messages, every sum taken in logs: exact however far apart the numbers are. */
function byLogs(g: GraphBuilder, first: Node, rest: Node, pair: Node): Node {
  const [chains, values] = first.shape;
  const isShared = pair.shape.length === 2;
  const { carry } = g.scan(
    {
      length: rest.shape[0],
      init: [first],
      xs: isShared ? [rest] : [rest, pair],
      consts: isShared ? [pair] : [],
    },
    (b, [message], [own, step], [shared]) => {
      const shape = [chains, values, values];
      const table = isShared ? b.broadcast(shared, shape, [1, 2]) : step;
      const joint = b.add(b.broadcast(message, shape, [0, 1]), table);
      return { carry: [b.add(b.logsumexp(joint, [1]), own)], ys: [] };
    },
  );
  return carry[0];
}

/**
 * The same with K² multiplications and 2K transcendentals a step: exponentials of the message,
 * shifted by the largest, times exponentials of the table, whose rows are shifted by their largest
 * entries first. What is e^−700 below the largest counts as 0, which matters only where the table
 * forbids the way from every likelier state.
 */
function byProducts(g: GraphBuilder, first: Node, rest: Node, pair: Node): Node {
  const [chains, values] = first.shape;
  const rows = finiteOrZero(g, g.reduceMax(pair, [1]));
  const weights = g.exp(g.sub(pair, g.unreduce(rows, pair, [1])));
  const { carry } = g.scan(
    {
      length: rest.shape[0],
      init: [first],
      xs: [rest],
      consts: [weights, g.broadcast(rows, [chains, values], [1])],
    },
    (b, [before], [own], [w, ownRows]) => {
      const message = b.add(before, ownRows);
      const shift = b.unreduce(finiteOrZero(b, b.reduceMax(message, [1])), message, [1]);
      const product = b.matmul(b.exp(b.sub(message, shift)), w);
      // A state that nothing reaches has log 0; its gradient must be 0 and not 0 · ∞.
      const reached = b.gt(product, 0);
      const logs = b.select(
        reached,
        b.log(b.select(reached, product, b.ones(product.shape))),
        b.full(product.shape, Number.NEGATIVE_INFINITY),
      );
      return { carry: [b.add(b.add(logs, shift), own)], ys: [] };
    },
  );
  return carry[0];
}

/** What is subtracted from logs so that their exponentials stay in range. */
function finiteOrZero(g: GraphBuilder, largest: Node): Node {
  const bounded = g.lt(g.abs(largest), Number.POSITIVE_INFINITY);
  return g.select(bounded, largest, g.zeros(largest.shape));
}
